#include <algorithm>
#include <array>

#include "config/setting_makers.hpp"
#include "config/setting_values.hpp"
#include "core/membership.hpp"

namespace quorate {

namespace {

constexpr std::array<std::string_view, 6> kLogLevels{"trace", "debug", "info", "warn", "error", "off"};

Applied apply_listen(ServeConfig& config, std::string_view given) {
  const Parsed<ListenAddress> address = parse_listen_address(given);
  if (!address) return std::unexpected(address.error());
  config.http.address = address->host;
  config.http.port = address->port;
  return {};
}

Applied apply_backup(ServeConfig& config, std::string_view given) {
  if (given.empty()) return std::unexpected("must not be empty");
  config.backups.emplace_back(given);
  return {};
}

Applied apply_mode(ServeConfig& config, std::string_view given) {
  const std::optional<ConsistencyMode> mode = parse_mode(given);
  if (!mode) return std::unexpected("must be quorum or dual_write");
  config.cluster.mode = *mode;
  return {};
}

Applied apply_log_level(ServeConfig& config, std::string_view given) {
  if (std::ranges::find(kLogLevels, given) == kLogLevels.end()) {
    return std::unexpected("must be trace, debug, info, warn, error or off");
  }
  config.log_level = given;
  return {};
}

Applied apply_log_requests(ServeConfig& config, std::string_view given) {
  if (given != "true" && given != "false") return std::unexpected("must be true or false");
  config.http.log_requests = given == "true";
  return {};
}

// One or several, separated by commas, as browsers send them: SCHEME://HOST[:PORT].
Applied apply_cors_origins(ServeConfig& config, std::string_view given) {
  std::vector<std::string>& origins = config.http.cors_origins;
  while (!given.empty()) {
    const std::string_view origin = given.substr(0, given.find(','));
    given.remove_prefix(std::min(given.size(), origin.size() + 1));
    const std::size_t host = origin.find("://") + 3;
    const bool is_origin = origin.find("://") != std::string_view::npos && host < origin.size() &&
                           origin.find_first_of("/ *", host) == std::string_view::npos;
    if (origin != "*" && !is_origin)
      return std::unexpected("must be \"*\" or origins like https://app.example:8443");
    origins.emplace_back(origin);
  }
  if (origins.size() > 1 && std::ranges::find(origins, "*") != origins.end()) {
    return std::unexpected("must be \"*\" alone, or origins without it");
  }
  return {};
}

Applied apply_node_id(ServeConfig& config, std::string_view given) {
  if (!is_node_id(given)) return std::unexpected("must be 1 to 64 letters, digits, '-', '_' and '.'");
  config.cluster.member.id = given;
  return {};
}

Applied apply_peer_listen(ServeConfig& config, std::string_view given) {
  const Parsed<ListenAddress> address = parse_listen_address(given);
  if (!address) return std::unexpected(address.error());
  config.cluster.member.listen_host = address->host;
  config.cluster.member.listen_port = address->port;
  return {};
}

// One or several, separated by commas: n1=HOST:PORT,n2=HOST:PORT.
Applied apply_cluster(ServeConfig& config, std::string_view given) {
  while (!given.empty()) {
    const std::string_view part = given.substr(0, given.find(','));
    given.remove_prefix(std::min(given.size(), part.size() + 1));
    const std::size_t equals = part.find('=');
    const std::string_view id = part.substr(0, equals);
    const bool complete = equals != std::string_view::npos && is_node_id(id);
    if (!complete || !parse_listen_address(part.substr(equals + 1)))
      return std::unexpected("must be a list like n1=HOST:PORT,n2=HOST:PORT");
    config.cluster.member.initial.emplace_back(id, part.substr(equals + 1));
  }
  return {};
}

Applied apply_join(ServeConfig& config, std::string_view given) {
  if (auto address = parse_listen_address(given); !address) return std::unexpected(address.error());
  config.cluster.member.join.emplace_back(given);
  return {};
}

Applied apply_snapshot_rate(ServeConfig& config, std::string_view given) {
  const Parsed<std::size_t> rate = given == "unlimited" ? Parsed<std::size_t>(0) : parse_bytes(given);
  if (!rate) return std::unexpected(rate.error() + ", or \"unlimited\"");
  config.cluster.limits.snapshot_bytes_per_second = *rate;
  return {};
}

Applied apply_snapshot_compression(ServeConfig& config, std::string_view given) {
  if (given != "on" && given != "off") return std::unexpected("must be on or off");
  config.cluster.limits.snapshot_compression = given == "on";
  return {};
}

Applied apply_degrade(ServeConfig& config, std::string_view given) {
  if (given != "true" && given != "false") return std::unexpected("must be true or false");
  config.cluster.dual_write_degrade = given == "true";
  return {};
}

void add_member_settings(std::vector<Setting>& settings) {
  const std::string group = "Cluster of processes";
  settings.push_back({.name = "node-id",
                      .group = group,
                      .value_name = "ID",
                      .documentation = "Makes this process one node of a cluster of processes, by this name.",
                      .default_text = {},
                      .apply = apply_node_id});
  settings.push_back({.name = "peer-listen",
                      .group = group,
                      .value_name = "HOST:PORT",
                      .documentation = "Where this node listens for the others. Let only them reach it.",
                      .default_text = {},
                      .apply = apply_peer_listen});
  settings.push_back(text(
      "peer-advertise", group, "HOST:PORT",
      [](ServeConfig& c) -> auto& { return c.cluster.member.advertise; },
      "Where the others reach this node, if not where it listens."));
  settings.push_back(
      {.name = "cluster",
       .group = group,
       .value_name = "ID=HOST:PORT,...",
       .documentation = "The nodes that begin the cluster, this one included, in the same order on each; the "
                        "first is the preferred master.",
       .default_text = {},
       .is_list = true,
       .apply = apply_cluster});
  settings.push_back(
      {.name = "join",
       .group = group,
       .value_name = "HOST:PORT",
       .documentation =
           "The peer port of a node of a cluster to join. Give it once for each node that may be "
           "asked.",
       .default_text = {},
       .is_list = true,
       .apply = apply_join});
  settings.push_back(text(
      "witness-lock", group, "DIR", [](ServeConfig& c) -> auto& { return c.cluster.member.witness_lock; },
      "For two nodes: a folder on storage that both reach. Whoever holds its lock hosts a witness, the third "
      "vote."));
  settings.push_back({.name = "dual-write-degrade",
                      .group = group,
                      .value_name = "true|false",
                      .documentation =
                          "dual_write goes on without a data node that is gone, if a majority can record it, "
                          "and takes it back once it has caught up.",
                      .default_text = "false",
                      .apply = apply_degrade});
}

void add_basic_settings(std::vector<Setting>& settings) {
  const std::string group = "Server and nodes";
  settings.push_back({.name = "listen",
                      .group = group,
                      .value_name = "HOST:PORT",
                      .documentation = "The address to serve HTTP on. Port 0 takes any free one.",
                      .default_text = "127.0.0.1:8080",
                      .apply = apply_listen});
  settings.push_back(text(
      "db", group, "PATH", [](ServeConfig& c) -> auto& { return c.database; },
      "The database of the first node, n1, which is the preferred master. An existing database "
      "becomes the content of a new cluster. The node's replicated log is kept beside it, in "
      "the folder PATH-log."));
  settings.push_back({.name = "backup",
                      .group = group,
                      .value_name = "PATH",
                      .documentation = "The database of a further node: n2, n3, ... Give it once for each. "
                                       "In the environment, separate them by commas.",
                      .default_text = {},
                      .is_list = true,
                      .apply = apply_backup});
  Setting data_directory = text(
      "data-dir", group, "DIR", [](ServeConfig& c) -> auto& { return c.data_directory; },
      "Without --db: where three nodes are kept, each in a folder of its own with data.db "
      "and the folder log.");
  data_directory.default_text = defaults().data_directory;
  settings.push_back(std::move(data_directory));
  settings.push_back({.name = "mode",
                      .group = group,
                      .value_name = "quorum|dual_write",
                      .documentation =
                          "What a write needs in a new cluster: a majority of the nodes, or every one. An "
                          "existing cluster keeps its mode; PUT /v1/cluster/mode switches it.",
                      .default_text = "quorum",
                      .apply = apply_mode});
  settings.push_back(text(
      "cluster-id", group, "ID", [](ServeConfig& c) -> auto& { return c.cluster.cluster_id; },
      "The cluster that the databases must belong to. A new cluster gets this id, or a random one "
      "if none is given."));
  Setting engine = text(
      "engine", group, "NAME", [](ServeConfig& c) -> auto& { return c.cluster.engine; },
      "The storage engine of all nodes.");
  engine.default_text = defaults().cluster.engine;
  settings.push_back(std::move(engine));
  settings.push_back(count(
      "io-threads", group, 256, [](ServeConfig& c) -> auto& { return c.http.io_threads; },
      "Threads that serve HTTP."));
  settings.push_back(count(
      "reader-threads", group, 256, [](ServeConfig& c) -> auto& { return c.cluster.reader_threads; },
      "Threads that run queries, each with a read connection of its own to each node."));
  settings.push_back({.name = "log-level",
                      .group = group,
                      .value_name = "LEVEL",
                      .documentation = "What is logged: trace, debug, info, warn, error or off.",
                      .default_text = defaults().log_level,
                      .apply = apply_log_level});
  settings.push_back({.name = "log-requests",
                      .group = group,
                      .value_name = "true|false",
                      .documentation = "Logs every request, not only those that failed.",
                      .default_text = "false",
                      .apply = apply_log_requests});
  settings.push_back(
      {.name = "cors-origins",
       .group = group,
       .value_name = "ORIGIN,...",
       .documentation = "The origins whose web pages may use the API from a browser, or \"*\" for all.",
       .default_text = {},
       .is_list = true,
       .apply = apply_cors_origins});
}

void add_http_settings(std::vector<Setting>& settings) {
  const std::string limits = "HTTP limits";
  constexpr std::uint64_t kMany = 100'000'000;
  const auto add = [&settings](Setting setting) { settings.push_back(std::move(setting)); };
  add(bytes(
      "max-body-bytes", limits, [](ServeConfig& c) -> auto& { return c.http.limits.body_bytes; },
      "The largest request body."));
  add(bytes(
      "max-restore-bytes", limits, [](ServeConfig& c) -> auto& { return c.http.limits.restore_bytes; },
      "The largest file that can be restored."));
  add(bytes(
      "max-ingest-bytes", limits, [](ServeConfig& c) -> auto& { return c.http.limits.ingest_bytes; },
      "The largest upload to ingest."));
  add(count(
      "max-ingests", limits, 10'000, [](ServeConfig& c) -> auto& { return c.http.limits.ingests; },
      "The most uploads that are ingested at once; above it, 429."));
  add(bytes(
      "max-header-bytes", limits, [](ServeConfig& c) -> auto& { return c.http.limits.header_bytes; },
      "The most that a request's header fields may take together."));
  add(bytes(
      "max-target-bytes", limits, [](ServeConfig& c) -> auto& { return c.http.limits.target_bytes; },
      "The longest request target: path and query string."));
  add(count(
      "max-json-depth", limits, 1'000, [](ServeConfig& c) -> auto& { return c.http.limits.json_depth; },
      "How deep a body may nest arrays and objects."));
  add(count(
      "max-json-values", limits, kMany, [](ServeConfig& c) -> auto& { return c.http.limits.json_values; },
      "The most JSON values in a body."));
  add(count(
      "max-connections", limits, 1'000'000, [](ServeConfig& c) -> auto& { return c.http.limits.connections; },
      "The most connections at once; a further one is answered 503."));
  add(bytes(
      "max-body-memory-bytes", limits,
      [](ServeConfig& c) -> auto& { return c.http.limits.body_memory_bytes; },
      "What all large bodies being received may take together; above it, 429."));
  const std::string times = "HTTP times";
  add(milliseconds(
      "idle-timeout-ms", times, [](ServeConfig& c) -> auto& { return c.http.timeouts.idle; },
      "How long a connection may idle, or not take its answer."));
  add(milliseconds(
      "header-timeout-ms", times, [](ServeConfig& c) -> auto& { return c.http.timeouts.header; },
      "How long a request's header may take."));
  add(milliseconds(
      "body-timeout-ms", times, [](ServeConfig& c) -> auto& { return c.http.timeouts.body; },
      "How long a request's body may take."));
  add(milliseconds(
      "stream-write-timeout-ms", times, [](ServeConfig& c) -> auto& { return c.http.timeouts.stream_write; },
      "How long a client may take to accept one piece of a streamed result."));
  add(milliseconds(
      "shutdown-timeout-ms", times, [](ServeConfig& c) -> auto& { return c.http.timeouts.shutdown; },
      "How long requests in flight may take to finish after SIGTERM."));
}

void add_core_limits(std::vector<Setting>& settings) {
  const std::string limits = "SQL limits";
  constexpr std::uint64_t kMany = 100'000'000;
  const auto add = [&settings](Setting setting) { settings.push_back(std::move(setting)); };
  add(count(
      "max-statements", limits, kMany,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.statements_per_transaction; },
      "The most statements in one transaction."));
  add(bytes(
      "max-sql-bytes", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.sql_bytes; },
      "The longest text of one statement."));
  add(count(
      "max-parameters", limits, 32'766,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.parameters_per_statement; },
      "The most parameters of one statement."));
  add(count(
      "max-parameter-rows", limits, kMaxParameterRows,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.parameter_rows; },
      "The most rows of parameters (params_batch) in one transaction."));
  add(count(
      "max-result-rows", limits, kMany, [](ServeConfig& c) -> auto& { return c.cluster.limits.result_rows; },
      "The most rows in one answer."));
  add(bytes(
      "max-result-bytes", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.result_bytes; },
      "The most bytes of values in one answer."));
  add(bytes(
      "max-kept-result-bytes", limits,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.kept_result_bytes; },
      "The same for a request with an Idempotency-Key, whose answer is kept."));
  add(count(
      "max-queue-transactions", limits, kMany,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.queue_transactions; },
      "The most transactions waiting to be run; above it, 429."));
  add(bytes(
      "max-queue-bytes", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.queue_bytes; },
      "The same in bytes."));
  add(count(
      "max-batch-transactions", limits, kMany,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.batch_transactions; },
      "The most transactions that are made durable together."));
  add(bytes(
      "max-batch-bytes", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.batch_bytes; },
      "The same in bytes."));
  add(count(
      "max-waiting-reads", limits, kMany,
      [](ServeConfig& c) -> auto& { return c.cluster.limits.waiting_reads; },
      "The most queries waiting to be run; above it, 429."));
  add(milliseconds(
      "default-timeout-ms", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.default_timeout; },
      "The time of a request that names no timeout_ms."));
  add(milliseconds(
      "max-timeout-ms", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.max_timeout; },
      "The longest timeout_ms that a request may name."));
  add(milliseconds(
      "key-retention-ms", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.key_retention; },
      "How long the outcome of a request with an Idempotency-Key is kept."));
  add(milliseconds(
      "statement-time-ms", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.statement_time; },
      "How long the statements of one transaction together, one query, or one piece of a streamed result may "
      "run."));
  add(count(
      "max-streams", limits, 100'000, [](ServeConfig& c) -> auto& { return c.cluster.limits.streams; },
      "The most results streamed at once, per node; a further one is answered 429."));
  add(milliseconds(
      "stream-time-ms", limits, [](ServeConfig& c) -> auto& { return c.cluster.limits.stream_time; },
      "How long one streamed result may take in all. Meanwhile the database's write-ahead log grows with "
      "what is "
      "written."));
}

void add_catch_up(std::vector<Setting>& settings) {
  const auto add = [&settings](Setting setting) { settings.push_back(std::move(setting)); };
  const std::string catch_up = "Catch-up";
  add(bytes(
      "log-retain-bytes", catch_up, [](ServeConfig& c) -> auto& { return c.cluster.limits.log_retain_bytes; },
      "How much of the log each node keeps for nodes that are away. Who has missed more gets a snapshot."));
  add({.name = "snapshot-bytes-per-second",
       .group = catch_up,
       .value_name = "BYTES|unlimited",
       .documentation = "How fast a node receives a snapshot.",
       .default_text = "unlimited",
       .apply = apply_snapshot_rate});
  add({.name = "snapshot-compression",
       .group = catch_up,
       .value_name = "on|off",
       .documentation = "Whether a node asks for snapshots in compressed pieces.",
       .default_text = ServeConfig().cluster.limits.snapshot_compression ? "on" : "off",
       .apply = apply_snapshot_compression});
}

void add_timing(std::vector<Setting>& settings) {
  const std::string group = "Cluster timing";
  const auto add = [&](std::string name, auto locate, std::string documentation) {
    settings.push_back(milliseconds(std::move(name), group, locate, std::move(documentation)));
  };
  add(
      "heartbeat-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.heartbeat; },
      "How often the leader tells the other nodes that it is there.");
  add(
      "election-timeout-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.election_timeout; },
      "How long nodes wait without hearing from the leader before they elect another one.");
  add(
      "prepare-timeout-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.prepare_timeout; },
      "dual_write: how long a node may take to prepare a transaction.");
  add(
      "commit-wait-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.commit_wait; },
      "dual_write: how long an answer waits for all nodes to have committed.");
  add(
      "degrade-after-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.degrade_after; },
      "--dual-write-degrade: how long a node must be gone before dual_write goes on without it.");
  add(
      "hand-back-after-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.hand_back_after; },
      "How long the preferred master must be well before it is given leadership back.");
  add(
      "restart-delay-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.restart_delay; },
      "When a failed node is opened again; doubles with each failure.");
  add(
      "max-restart-delay-ms", [](ServeConfig& c) -> auto& { return c.cluster.timing.max_restart_delay; },
      "The longest such delay.");
}

// What a process without content, and with nothing to do in dual_write, can be told.
bool is_for_witness(const Setting& setting) {
  constexpr std::array<std::string_view, 16> kNames{"listen",
                                                    "data-dir",
                                                    "cluster-id",
                                                    "io-threads",
                                                    "log-level",
                                                    "node-id",
                                                    "peer-listen",
                                                    "peer-advertise",
                                                    "cluster",
                                                    "join",
                                                    "heartbeat-ms",
                                                    "election-timeout-ms",
                                                    "restart-delay-ms",
                                                    "max-restart-delay-ms",
                                                    "default-timeout-ms",
                                                    "max-timeout-ms"};
  return setting.group.starts_with("HTTP") || std::ranges::find(kNames, setting.name) != kNames.end();
}

}  // namespace

const std::vector<Setting>& serve_settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all;
    add_basic_settings(all);
    add_member_settings(all);
    add_http_settings(all);
    add_core_limits(all);
    add_catch_up(all);
    add_timing(all);
    return all;
  }();
  return settings;
}

const std::vector<Setting>& witness_settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> some;
    for (const Setting& setting : serve_settings()) {
      if (is_for_witness(setting)) some.push_back(setting);
    }
    return some;
  }();
  return settings;
}

std::string environment_name(std::string_view setting_name) {
  std::string name = "QUORATE_";
  for (const char c : setting_name) {
    name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

}  // namespace quorate
