#include "server/embedded_cluster.hpp"

#include <spdlog/spdlog.h>

#include <fstream>
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

  explicit Impl(ClusterConfig given)
      : config(std::move(given)), executor("quorate") {
    std::vector<std::string> ids;
    for (const NodeConfig& node : config.nodes) ids.push_back(node.id);
    coordinator = std::make_unique<MultiDbCoordinator>(MultiDbCoordinator::Options{
        .executor = executor,
        .nodes = std::move(ids),
        .limits = config.limits,
        .on_node_down = [this](const std::string& id, const Error& why) {
          executor.post([this, id, why] { replace(id, why); });
        }});
  }

  const NodeConfig& node_config(const std::string& id) const {
    return *std::ranges::find_if(config.nodes, [&](const NodeConfig& node) { return node.id == id; });
  }

  Result<void> start_node(const std::string& id);
  void stop_node(const std::string& id, const std::string& state, const std::string& detail);
  void replace(const std::string& id, const Error& why);
  void try_again(const std::string& id, std::chrono::milliseconds delay);

  ClusterConfig config;
  std::string cluster_id;
  MemoryTransport transport;
  ThreadExecutor executor;  // timers of the coordinator, restarts of nodes
  std::unique_ptr<MultiDbCoordinator> coordinator;

  std::mutex mutex;                         // guards the two below: one node is started or stopped at a time
  std::map<std::string, Runtime> runtimes;  // of the nodes that are up
  bool stopped = false;
};

Result<void> EmbeddedCluster::Impl::start_node(const std::string& id) {
  const std::lock_guard lock(mutex);
  if (stopped) return fail(ErrorCode::shutting_down, "The server is stopping.");
  if (runtimes.contains(id)) return {};
  const NodeConfig& node = node_config(id);
  auto files = open_node_files(config, node);
  if (!files) return std::unexpected(files.error());
  if (auto checked = check_identity(config, node, files->meta, cluster_id); !checked) return checked;
  if (!files->meta) {
    return fail(ErrorCode::corrupt, "node " + id + " has no content yet: restart the server to have it brought up from the others");
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
  runtime.node->start();
  runtimes.emplace(id, std::move(runtime));
  return {};
}

void EmbeddedCluster::Impl::stop_node(const std::string& id, const std::string& state, const std::string& detail) {
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

EmbeddedCluster::EmbeddedCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedCluster::~EmbeddedCluster() { stop(); }

Result<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::open(ClusterConfig config) {
  auto cluster_id = bring_up_files(config);
  if (!cluster_id) return std::unexpected(cluster_id.error());
  config.cluster_id = *cluster_id;

  auto impl = std::make_unique<Impl>(std::move(config));
  impl->cluster_id = *cluster_id;
  std::size_t up = 0;
  Error last;
  for (const NodeConfig& node : impl->config.nodes) {
    const auto started = impl->start_node(node.id);
    if (started) {
      ++up;
      continue;
    }
    last = started.error();
    if (last.code == ErrorCode::identity_mismatch) return std::unexpected(last);
    spdlog::error("node {} stays down: {}", node.id, last.message);
    impl->coordinator->detach(node.id, last.code == ErrorCode::quarantined ? "quarantined" : "failed", last.message);
    impl->try_again(node.id, impl->config.timing.restart_delay);
  }
  std::unique_ptr<EmbeddedCluster> cluster(new EmbeddedCluster(std::move(impl)));
  if (up < cluster->config().nodes.size() / 2 + 1) return std::unexpected(last);
  return cluster;
}

MultiDbCoordinator& EmbeddedCluster::coordinator() { return *impl_->coordinator; }
const ClusterConfig& EmbeddedCluster::config() const { return impl_->config; }

void EmbeddedCluster::stop_node(const std::string& id) { impl_->stop_node(id, "stopped", "It was stopped."); }
Result<void> EmbeddedCluster::start_node(const std::string& id) { return impl_->start_node(id); }

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
  for (const NodeConfig& node : impl_->config.nodes) impl_->stop_node(node.id, "stopped", "The server is stopping.");
  impl_->executor.stop();
  return drained;
}

}  // namespace quorate
