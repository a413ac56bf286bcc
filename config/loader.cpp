#include "config/loader.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "config/setting.hpp"

namespace quorate {

namespace {

using PeerAddress = std::pair<std::string, std::string>;
using Values = std::map<std::string, std::vector<std::string>>;

Values read_file(const std::string& path, const std::vector<Setting>& settings, ConfigErrors& errors) {
  std::ifstream input(path);
  if (!input) {
    errors.push_back("The configuration file " + path + " cannot be read.");
    return {};
  }
  Values values;
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(input)) {
      if (item.name == "++" || item.name == "--") continue;  // how CLI11 marks the sections of a file
      if (std::ranges::find(settings, item.fullname(), &Setting::name) == settings.end()) {
        errors.push_back(path + ": there is no setting named \"" + item.fullname() + "\".");
      } else if (!values.emplace(item.name, item.inputs).second) {
        errors.push_back(path + ": " + item.name + " is given twice.");
      }
    }
  } catch (const CLI::Error& error) {
    errors.push_back(path + ": " + error.what());
  }
  return values;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

// The values of one setting from where it is given first, and the name of that place for errors.
struct Given {
  std::vector<std::string> values;
  std::string place;
};

std::optional<Given> find_given(const Setting& setting, const ConfigSources& sources, const Values& file) {
  if (const auto flag = sources.flags.find(setting.name); flag != sources.flags.end()) {
    return Given{.values = flag->second, .place = "--" + setting.name};
  }
  const std::string variable = environment_name(setting.name);
  if (const std::optional<std::string> text = sources.environment(variable)) {
    return Given{.values = setting.is_list ? split_at_commas(*text) : std::vector{*text}, .place = variable};
  }
  if (const auto entry = file.find(setting.name); entry != file.end()) {
    return Given{.values = entry->second, .place = *sources.file + ": " + setting.name};
  }
  return std::nullopt;
}

void apply_setting(const Setting& setting, const Given& given, ServeConfig& config, ConfigErrors& errors) {
  if (given.values.size() != 1 && !setting.is_list) {
    errors.push_back(given.place + " must be given exactly one value.");
    return;
  }
  for (const std::string& value : given.values) {
    const auto applied = setting.apply(config, value);
    if (!applied) errors.push_back(given.place + " " + applied.error() + ", not \"" + value + "\".");
  }
}

constexpr std::string_view kWitnessId = "witness";  // of a witness that is given no other

std::string api_url(const ServeConfig& config) {
  return "http://" + config.http.address + ":" + std::to_string(config.http.port);
}

void make_witness(ServeConfig& config) {
  std::string& id = config.cluster.member.id;
  if (id.empty()) id = kWitnessId;
  config.cluster.nodes.push_back(
      {.id = id, .log = config.data_directory + "/" + id + "/log", .witness = true});
  config.cluster.member.api_url = api_url(config);
}

std::string log_beside(const std::string& database) {
  return database + "-log";
}

void make_nodes(ServeConfig& config) {
  std::vector<NodeConfig>& nodes = config.cluster.nodes;
  const auto add = [&nodes](std::string database, std::string log) {
    nodes.push_back({.id = "n" + std::to_string(nodes.size() + 1),
                     .preferred_master = nodes.empty(),
                     .database = std::move(database),
                     .log = std::move(log)});
  };
  if (!config.cluster.member.id.empty()) {
    const MemberConfig& member = config.cluster.member;
    const std::string folder = config.data_directory + "/" + member.id;
    const std::string database = config.database.value_or(folder + "/data.db");
    nodes.push_back({.id = member.id,
                     .preferred_master = !member.initial.empty() && member.initial.front().first == member.id,
                     .database = database,
                     .log = config.database ? log_beside(database) : folder + "/log"});
    config.cluster.member.api_url = api_url(config);
    if (!member.witness_lock.empty()) {
      nodes.push_back({.id = std::string(kWitnessId),
                       .log = member.witness_lock + "/log",
                       .witness = true,
                       .shared = true});
    }
    return;
  }
  if (!config.database) {
    for (const char* const id : {"n1", "n2", "n3"}) {
      const std::string folder = config.data_directory + "/" + id;
      add(folder + "/data.db", folder + "/log");
    }
    return;
  }
  add(*config.database, log_beside(*config.database));
  for (const std::string& backup : config.backups) add(backup, log_beside(backup));
}

void check_witness(const ServeConfig& config, ConfigErrors& errors) {
  const MemberConfig& member = config.cluster.member;
  if (member.listen_host.empty()) errors.push_back("A witness needs --peer-listen.");
  if (member.initial.empty() && member.join.empty())
    errors.push_back("A witness needs --cluster or --join, which name nodes of its cluster.");
}

// What no setting can see alone.
void check_together(const ServeConfig& config, ConfigErrors& errors) {
  const CoreLimits& limits = config.cluster.limits;
  const Timing& timing = config.cluster.timing;
  if (!config.database && !config.backups.empty()) {
    errors.push_back("--backup needs --db, which names the database of the first node.");
  }
  const MemberConfig& member = config.cluster.member;
  const bool is_member = !member.id.empty();
  if (is_member && !config.backups.empty()) {
    errors.push_back(
        "--backup is for nodes in this process; with --node-id each node is a process of its own.");
  }
  const bool is_witness = is_member && config.cluster.nodes.front().witness;
  if (is_member && !is_witness && member.listen_host.empty())
    errors.push_back("--node-id needs --peer-listen.");
  if (!is_member && (!member.listen_host.empty() || !member.initial.empty() || !member.join.empty())) {
    errors.push_back("--peer-listen, --cluster and --join need --node-id.");
  }
  if (!member.witness_lock.empty() && (!is_member || member.id == kWitnessId)) {
    errors.push_back("--witness-lock needs --node-id, and another than " + std::string(kWitnessId) + ".");
  }
  if (is_member && !is_witness && !member.initial.empty() &&
      std::ranges::find(member.initial, member.id, &PeerAddress::first) == member.initial.end()) {
    errors.push_back("--cluster does not name this node, " + member.id + ".");
  }
  std::set<std::string> paths;
  for (const NodeConfig& node : config.cluster.nodes) {
    for (const std::string& path : {node.database, node.log}) {
      if (!path.empty() && !paths.insert(path).second)
        errors.push_back("Two nodes cannot share the file " + path + ".");
    }
  }
  if (limits.default_timeout > limits.max_timeout) {
    errors.push_back("--default-timeout-ms must not be longer than --max-timeout-ms.");
  }
  if (timing.heartbeat * 3 > timing.election_timeout) {
    errors.push_back("--election-timeout-ms must be at least three times --heartbeat-ms.");
  }
  if (timing.restart_delay > timing.max_restart_delay) {
    errors.push_back("--restart-delay-ms must not be longer than --max-restart-delay-ms.");
  }
  if (limits.batch_bytes > limits.queue_bytes) {
    errors.push_back("--max-batch-bytes must not be larger than --max-queue-bytes.");
  }
  if (config.http.limits.body_bytes > config.http.limits.body_memory_bytes) {
    errors.push_back("--max-body-bytes must not be larger than --max-body-memory-bytes.");
  }
}

}  // namespace

std::expected<ServeConfig, ConfigErrors> load_config(const ConfigSources& sources) {
  ConfigErrors errors;
  const std::vector<Setting>& settings = sources.witness ? witness_settings() : serve_settings();
  const Values file = sources.file ? read_file(*sources.file, settings, errors) : Values{};
  ServeConfig config;
  for (const Setting& setting : settings) {
    const std::optional<Given> given = find_given(setting, sources, file);
    if (given) apply_setting(setting, *given, config, errors);
  }
  sources.witness ? make_witness(config) : make_nodes(config);
  if (sources.witness) check_witness(config, errors);
  check_together(config, errors);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

}  // namespace quorate
