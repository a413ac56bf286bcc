#include "server/local_nodes.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "core/db_node.hpp"
#include "core/thread_executor.hpp"
#include "core/witness_node.hpp"
#include "server/cluster_files.hpp"
#include "server/request_log.hpp"

namespace quorate {
namespace {

// The order matters: the threads end before the node that they work for.
struct Runtime {
  std::unique_ptr<DbNode> node;  // one of these two
  std::unique_ptr<WitnessNode> witness;
  std::unique_ptr<ThreadExecutor> consensus;
  std::unique_ptr<ThreadExecutor> writer;
  std::unique_ptr<ThreadExecutor> readers;

  void start() {
    if (node) node->start();
    if (witness) witness->start();
  }
  void stop() {
    if (node) node->stop();
    if (witness) witness->stop();
  }
  void stop_threads() {
    if (consensus) consensus->stop();
    if (writer) writer->stop();
    if (readers) readers->stop();
  }
};

constexpr std::chrono::milliseconds kAtOnce{0};
constexpr std::chrono::milliseconds kJoinRetry{500};
constexpr std::chrono::seconds kJoinTimeout{5};

std::string state_of(ErrorCode code) {
  return code == ErrorCode::quarantined ? "quarantined" : "failed";
}

}  // namespace

struct LocalNodes::Impl {
  Impl(ClusterConfig given, LocalTransport& given_transport)
      : config(std::move(given)), transport(given_transport), executor("quorate") {
    coordinator = std::make_unique<MultiDbCoordinator>(
        MultiDbCoordinator::Options{.executor = executor,
                                    .limits = config.limits,
                                    .leader_wait = config.timing.election_timeout,
                                    .on_node_down =
                                        [this](const NodeId& id, NodeState state, const Error& why) {
                                          executor.post([this, id, state, why] { replace(id, state, why); });
                                        },
                                    .on_call_served = log_served_call});
    for (const NodeConfig& node : config.nodes) {
      if (!node.shared) coordinator->detach(node.id, "stopped", "It has not been started yet.");
    }
  }

  const NodeConfig& node_config(const std::string& id) const {
    return *std::ranges::find(config.nodes, id, &NodeConfig::id);
  }

  // Otherwise this process has one node (and perhaps a witness) of a cluster of processes, which ClusterMember makes a member.
  bool has_whole_cluster() const { return config.member.id.empty(); }

  Result<void> open_node(const std::string& id);
  Result<Runtime> open_data_node(const NodeConfig& node, NodeFiles files);
  Result<Runtime> open_witness(const NodeConfig& node, NodeFiles files);
  void stop_node(const std::string& id, const std::string& state, const std::string& detail);
  void replace(const NodeId& id, NodeState state, const Error& why);
  void try_again(const std::string& id, std::chrono::milliseconds delay);
  void show_down(const NodeConfig& node, const std::string& state, const std::string& detail);
  Result<void> start_node(const std::string& id);
  void join_once(const std::string& id);  // with the mutex held
  void join_later(const std::string& id);
  void join(const std::string& id);
  std::optional<Membership> decided_membership();
  ConsistencyMode mode();

  ClusterConfig config;
  LocalTransport& transport;
  ThreadExecutor executor;  // timers of the coordinator, restarts of nodes
  std::unique_ptr<MultiDbCoordinator> coordinator;

  std::mutex mutex;                         // guards the three below: one node is opened or stopped at a time
  std::map<std::string, Runtime> runtimes;  // of the nodes that are up
  std::set<std::string> joining;
  bool stopped = false;
};

Result<Runtime> LocalNodes::Impl::open_data_node(const NodeConfig& node, NodeFiles files) {
  Runtime runtime;
  runtime.consensus =
      std::make_unique<ThreadExecutor>(node.id + "-raft", 1, ThreadExecutor::Sharing::borrows);
  runtime.writer = std::make_unique<ThreadExecutor>(node.id + "-writer", 1, ThreadExecutor::Sharing::lends);
  runtime.readers = std::make_unique<ThreadExecutor>(node.id + "-reader", config.reader_threads);
  const bool repairs = files.quarantined && !files.snapshots->completed();
  auto opened = DbNode::open({.node = node,
                              .limits = config.limits,
                              .timing = config.timing,
                              .dual_write_degrade = config.dual_write_degrade,
                              .api_url = config.member.api_url,
                              .repair = repairs,
                              .engine_name = config.engine,
                              .engine = std::move(files.engine),
                              .log = std::move(files.log),
                              .snapshots = std::move(files.snapshots),
                              .consensus = *runtime.consensus,
                              .writer = *runtime.writer,
                              .readers = *runtime.readers,
                              .transport = transport,
                              .observer = coordinator->observer()});
  if (!opened) return std::unexpected(opened.error());
  if (!repairs) remove_quarantine_marker(node);
  runtime.node = std::move(*opened);
  transport.attach(node.id, *runtime.node);
  coordinator->attach(*runtime.node);
  return runtime;
}

Result<Runtime> LocalNodes::Impl::open_witness(const NodeConfig& node, NodeFiles files) {
  Runtime runtime;
  runtime.consensus =
      std::make_unique<ThreadExecutor>(node.id + "-raft", 1, ThreadExecutor::Sharing::borrows);
  auto opened = WitnessNode::open({.id = node.id,
                                   .cluster_id = config.cluster_id,
                                   .limits = config.limits,
                                   .timing = config.timing,
                                   .log = std::move(files.log),
                                   .consensus = *runtime.consensus,
                                   .transport = transport,
                                   .observer = coordinator->observer()});
  if (!opened) return std::unexpected(opened.error());
  runtime.witness = std::move(*opened);
  transport.attach(node.id, *runtime.witness);
  coordinator->attach(*runtime.witness);
  return runtime;
}

// Everything up to the first tick.
Result<void> LocalNodes::Impl::open_node(const std::string& id) {
  if (stopped) return fail(ErrorCode::shutting_down, "The server is stopping.");
  if (runtimes.contains(id)) return fail(ErrorCode::internal, "node " + id + " is up already");
  const NodeConfig& node = node_config(id);
  auto files = open_node_files(config.engine, node);
  if (!files) return std::unexpected(files.error());
  if (auto checked = check_identity(node, *files, config.cluster_id); !checked) return checked;
  if (!files->has_begun())
    return fail(ErrorCode::not_found,
                "The files of node " + id +
                    " are gone, or were never a member's. It joins the cluster when this "
                    "process is started again.");
  auto runtime =
      node.witness ? open_witness(node, std::move(*files)) : open_data_node(node, std::move(*files));
  if (!runtime) return std::unexpected(runtime.error());
  runtimes.emplace(id, std::move(*runtime));
  return {};
}

void LocalNodes::Impl::stop_node(const std::string& id, const std::string& state, const std::string& detail) {
  const std::lock_guard lock(mutex);
  const auto found = runtimes.find(id);
  if (found == runtimes.end()) return;
  Runtime& runtime = found->second;
  runtime.stop();
  transport.detach(id);
  show_down(node_config(id), state, detail);
  runtime.stop_threads();
  runtimes.erase(found);
}

// Of a shared node that does not run here this process does not know more than others.
void LocalNodes::Impl::show_down(const NodeConfig& node, const std::string& state,
                                 const std::string& detail) {
  node.shared ? coordinator->detach(node.id) : coordinator->detach(node.id, state, detail);
}

// A node that has gone down by itself.
void LocalNodes::Impl::replace(const NodeId& id, NodeState state, const Error& why) {
  switch (state) {
    case NodeState::installing:
      spdlog::info("{}", why.message);
      stop_node(id, "installing", why.message);
      return try_again(id, kAtOnce);
    case NodeState::quarantined:
      spdlog::error("node {} is quarantined and will be repaired from another: {}", id, why.message);
      write_quarantine_marker(node_config(id), why.message);
      stop_node(id, "quarantined", why.message);
      return try_again(id, kAtOnce);
    case NodeState::removed:
      spdlog::warn("{} To let it join again, stop this process and delete the node's files.", why.message);
      return stop_node(id, "removed", why.message);
    default:
      spdlog::error("node {} is down: {}", id, why.message);
      stop_node(id, "failed", why.message);
      return try_again(id, config.timing.restart_delay);
  }
}

void LocalNodes::Impl::try_again(const std::string& id, std::chrono::milliseconds delay) {
  if (node_config(id).shared && delay != kAtOnce) return;  // whoever started it decides
  executor.post_at(executor.now_us() + to_us(delay), [this, id, delay] {
    const std::lock_guard lock(mutex);
    if (runtimes.contains(id)) return;
    const auto opened = open_node(id);
    if (opened) {
      runtimes.at(id).start();
      return spdlog::info("node {} is up again", id);
    }
    if (opened.error().code == ErrorCode::shutting_down) return;
    if (opened.error().code == ErrorCode::not_found && has_whole_cluster()) return join_once(id);
    spdlog::warn("node {} stays down: {}", id, opened.error().message);
    show_down(node_config(id), state_of(opened.error().code), opened.error().message);
    const auto longer = std::max(2 * delay, config.timing.restart_delay);
    try_again(id, std::min(longer, config.timing.max_restart_delay));
  });
}

Result<void> LocalNodes::Impl::start_node(const std::string& id) {
  const std::lock_guard lock(mutex);
  auto opened = open_node(id);
  if (opened) runtimes.at(id).start();
  return opened;
}

void LocalNodes::Impl::join_once(const std::string& id) {
  if (joining.insert(id).second) executor.post([this, id] { join(id); });
}

void LocalNodes::Impl::join_later(const std::string& id) {
  executor.post_at(executor.now_us() + to_us(kJoinRetry), [this, id] { join(id); });
}

// Makes a node a member, by the instance of its files, and then starts it.
void LocalNodes::Impl::join(const std::string& id) {
  const NodeConfig& node = node_config(id);
  const auto give_up = [&](const Error& error) {
    if (error.code == ErrorCode::shutting_down) return;
    spdlog::warn("node {} cannot join: {}", id, error.message);
    if (!node.shared) return join_later(id);
    const std::lock_guard lock(mutex);
    joining.erase(id);
  };
  auto files = open_node_files(config.engine, node);
  if (!files) return give_up(files.error());
  const Member self{.id = id,
                    .instance = files->stored.instance,
                    .witness = node.witness,
                    .voter = false,
                    .preferred = node.preferred_master};
  const auto membership = decided_membership();
  const Member* present = membership ? membership->find(id) : nullptr;
  const bool is_member = present != nullptr && present->instance == self.instance;
  if (!is_member && !files->has_begun()) {
    return coordinator->change_member({.member = self}, std::chrono::steady_clock::now() + kJoinTimeout,
                                      [this, id](const Result<std::uint64_t>&) { join_later(id); });
  }
  Result<void> begun;
  if (!files->has_begun())
    begun = begin_node(node, *files,
                       {.cluster_id = config.cluster_id, .mode = mode(), .membership = *membership}, {});
  *files = {};  // closes them
  if (begun) begun = start_node(id);
  if (!begun) return give_up(begun.error());
  spdlog::info("node {} has joined", id);
  const std::lock_guard lock(mutex);
  joining.erase(id);
}

std::optional<Membership> LocalNodes::Impl::decided_membership() {
  const std::lock_guard lock(mutex);
  for (const auto& [id, runtime] : runtimes) {
    const auto view = runtime.node ? runtime.node->consensus_view() : runtime.witness->consensus_view();
    if (view.membership != nullptr && view.membership_index <= view.commit) return *view.membership;
  }
  return std::nullopt;
}

ConsistencyMode LocalNodes::Impl::mode() {
  const std::lock_guard lock(mutex);
  for (const auto& [id, runtime] : runtimes) {
    if (runtime.node) return runtime.node->mode();
  }
  return config.mode;
}

LocalNodes::LocalNodes(ClusterConfig config, LocalTransport& transport)
    : impl_(std::make_unique<Impl>(std::move(config), transport)) {}

LocalNodes::~LocalNodes() {
  stop(std::chrono::seconds(10));
}

MultiDbCoordinator& LocalNodes::coordinator() {
  return *impl_->coordinator;
}
Executor& LocalNodes::executor() {
  return impl_->executor;
}
const ClusterConfig& LocalNodes::config() const {
  return impl_->config;
}
void LocalNodes::set_cluster_id(const std::string& cluster_id) {
  const std::lock_guard lock(impl_->mutex);
  impl_->config.cluster_id = cluster_id;
}

Result<void> LocalNodes::start_all(std::size_t needed) {
  const std::lock_guard lock(impl_->mutex);
  Error last;
  for (const NodeConfig& node : impl_->config.nodes) {
    if (node.shared) continue;
    const auto opened = impl_->open_node(node.id);
    if (opened || opened.error().code == ErrorCode::not_found) continue;
    last = opened.error();
    if (last.code == ErrorCode::identity_mismatch) return std::unexpected(last);
    spdlog::error("node {} stays down: {}", node.id, last.message);
    impl_->coordinator->detach(node.id, state_of(last.code), last.message);
    impl_->try_again(node.id, impl_->config.timing.restart_delay);
  }
  if (impl_->runtimes.size() < needed && !last.message.empty()) return std::unexpected(last);
  for (auto& [id, runtime] : impl_->runtimes) runtime.start();
  return {};
}

Result<void> LocalNodes::start_node(const std::string& id) {
  return impl_->start_node(id);
}

void LocalNodes::join_node(const std::string& id) {
  const std::lock_guard lock(impl_->mutex);
  impl_->join_once(id);
}

void LocalNodes::stop_node(const std::string& id, const std::string& state, const std::string& detail) {
  impl_->stop_node(id, state, detail);
}

bool LocalNodes::is_up(const std::string& id) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->runtimes.contains(id);
}

bool LocalNodes::is_wanted(const std::string& id) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->runtimes.contains(id) || impl_->joining.contains(id);
}

std::optional<Membership> LocalNodes::decided_membership() const {
  return impl_->decided_membership();
}

ConsistencyMode LocalNodes::mode() const {
  return impl_->mode();
}

bool LocalNodes::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return true;
  }
  const bool drained = impl_->coordinator->drain(std::chrono::steady_clock::now() + grace);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
  }
  for (const NodeConfig& node : impl_->config.nodes)
    impl_->stop_node(node.id, "stopped", "The server is stopping.");
  impl_->executor.stop();
  return drained;
}

}  // namespace quorate
