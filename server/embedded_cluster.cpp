#include "server/embedded_cluster.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "core/db_node.hpp"
#include "core/memory_transport.hpp"
#include "core/thread_executor.hpp"
#include "server/cluster_files.hpp"

namespace quorate {

struct EmbeddedCluster::Impl {
  // The order matters: the threads end before the node that they work for.
  struct Runtime {
    std::unique_ptr<DbNode> node;
    std::unique_ptr<ThreadExecutor> consensus;
    std::unique_ptr<ThreadExecutor> writer;
    std::unique_ptr<ThreadExecutor> readers;
  };

  explicit Impl(ClusterConfig given) : config(std::move(given)), executor("quorate") {
    std::vector<std::string> ids;
    for (const NodeConfig& node : config.nodes) ids.push_back(node.id);
    coordinator = std::make_unique<MultiDbCoordinator>(
        MultiDbCoordinator::Options{.executor = executor,
                                    .nodes = std::move(ids),
                                    .limits = config.limits,
                                    .on_node_down = [this](const std::string& id, const Error& why) {
                                      executor.post([this, id, why] { replace(id, why); });
                                    }});
  }

  const NodeConfig& node_config(const std::string& id) const {
    return *std::ranges::find_if(config.nodes, [&](const NodeConfig& node) { return node.id == id; });
  }

  Result<void> open_node(const std::string& id);
  Result<void> start_node(const std::string& id);
  Result<void> start_all();
  void stop_node(const std::string& id, const std::string& state, const std::string& detail);
  void replace(const std::string& id, const Error& why);
  void try_again(const std::string& id, std::chrono::milliseconds delay);

  ClusterConfig config;  // with the cluster's id
  MemoryTransport transport;
  ThreadExecutor executor;  // timers of the coordinator, restarts of nodes
  std::unique_ptr<MultiDbCoordinator> coordinator;

  std::mutex mutex;                         // guards the two below: one node is opened or stopped at a time
  std::map<std::string, Runtime> runtimes;  // of the nodes that are up
  bool stopped = false;
};

// Everything up to the first tick, so that nodes that start together find each other.
Result<void> EmbeddedCluster::Impl::open_node(const std::string& id) {
  if (stopped) return fail(ErrorCode::shutting_down, "The server is stopping.");
  if (runtimes.contains(id)) return fail(ErrorCode::internal, "node " + id + " is up already");
  const NodeConfig& node = node_config(id);
  auto files = open_node_files(config, node);
  if (!files) return std::unexpected(files.error());
  if (auto checked = check_identity(node, files->meta, config.cluster_id); !checked) return checked;
  if (!files->meta) {
    return fail(
        ErrorCode::corrupt,
        "node " + id + " has no content yet: restart the server to have it brought up from the others");
  }

  Runtime runtime;
  runtime.consensus = std::make_unique<ThreadExecutor>(id + "-raft");
  runtime.writer = std::make_unique<ThreadExecutor>(id + "-writer");
  runtime.readers = std::make_unique<ThreadExecutor>(id + "-reader", config.reader_threads);
  std::vector<NodeId> members;
  for (const NodeConfig& member : config.nodes) members.push_back(member.id);
  auto opened = DbNode::open({.node = node,
                              .members = std::move(members),
                              .limits = config.limits,
                              .timing = config.timing,
                              .engine_name = config.engine,
                              .engine = std::move(files->engine),
                              .log = std::move(files->log),
                              .consensus = *runtime.consensus,
                              .writer = *runtime.writer,
                              .readers = *runtime.readers,
                              .transport = transport,
                              .observer = coordinator->observer()});
  if (!opened) return std::unexpected(opened.error());
  runtime.node = std::move(*opened);
  transport.attach(id, *runtime.node);
  coordinator->attach(*runtime.node);
  runtimes.emplace(id, std::move(runtime));
  return {};
}

Result<void> EmbeddedCluster::Impl::start_node(const std::string& id) {
  const std::lock_guard lock(mutex);
  auto opened = open_node(id);
  if (opened) runtimes.at(id).node->start();
  return opened;
}

void EmbeddedCluster::Impl::stop_node(const std::string& id, const std::string& state,
                                      const std::string& detail) {
  const std::lock_guard lock(mutex);
  const auto found = runtimes.find(id);
  if (found == runtimes.end()) return;
  Runtime& runtime = found->second;
  runtime.node->stop();
  transport.detach(id);
  coordinator->detach(id, state, detail);
  runtime.consensus->stop();
  runtime.writer->stop();
  runtime.readers->stop();
  runtimes.erase(found);
}

// A node that has gone down by itself is closed; one that failed is opened again after a while.
void EmbeddedCluster::Impl::replace(const std::string& id, const Error& why) {
  spdlog::error("node {} is down: {}", id, why.message);
  if (why.code == ErrorCode::quarantined) {
    write_quarantine_marker(node_config(id), why.message);
    return stop_node(id, "quarantined", why.message);
  }
  stop_node(id, "failed", why.message);
  try_again(id, config.timing.restart_delay);
}

void EmbeddedCluster::Impl::try_again(const std::string& id, std::chrono::milliseconds delay) {
  executor.post_at(executor.now_us() + to_us(delay), [this, id, delay] {
    const auto started = start_node(id);
    if (started) return spdlog::info("node {} is up again", id);
    if (started.error().code == ErrorCode::shutting_down) return;
    spdlog::warn("node {} stays down: {}", id, started.error().message);
    coordinator->detach(id, started.error().code == ErrorCode::quarantined ? "quarantined" : "failed",
                        started.error().message);
    try_again(id, std::min(2 * delay, config.timing.max_restart_delay));
  });
}

// All are opened before any is started. Without a majority there is nothing to serve.
Result<void> EmbeddedCluster::Impl::start_all() {
  const std::lock_guard lock(mutex);
  Error last;
  for (const NodeConfig& node : config.nodes) {
    const auto opened = open_node(node.id);
    if (opened) continue;
    last = opened.error();
    if (last.code == ErrorCode::identity_mismatch) return std::unexpected(last);
    spdlog::error("node {} stays down: {}", node.id, last.message);
    coordinator->detach(node.id, last.code == ErrorCode::quarantined ? "quarantined" : "failed",
                        last.message);
    try_again(node.id, config.timing.restart_delay);
  }
  for (auto& [id, runtime] : runtimes) runtime.node->start();
  if (runtimes.size() < config.nodes.size() / 2 + 1) return std::unexpected(last);
  return {};
}

EmbeddedCluster::EmbeddedCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedCluster::~EmbeddedCluster() {
  stop();
}

Result<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::open(ClusterConfig config) {
  auto cluster_id = bring_up_files(config);
  if (!cluster_id) return std::unexpected(cluster_id.error());
  config.cluster_id = *cluster_id;
  std::unique_ptr<EmbeddedCluster> cluster(new EmbeddedCluster(std::make_unique<Impl>(std::move(config))));
  if (auto started = cluster->impl_->start_all(); !started) return std::unexpected(started.error());
  return cluster;
}

MultiDbCoordinator& EmbeddedCluster::coordinator() {
  return *impl_->coordinator;
}
const ClusterConfig& EmbeddedCluster::config() const {
  return impl_->config;
}

void EmbeddedCluster::stop_node(const std::string& id) {
  impl_->stop_node(id, "stopped", "It was stopped.");
}
Result<void> EmbeddedCluster::start_node(const std::string& id) {
  return impl_->start_node(id);
}

bool EmbeddedCluster::stop(std::chrono::milliseconds grace) {
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
