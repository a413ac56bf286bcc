#include "server/embedded_cluster.hpp"

#include <spdlog/spdlog.h>

#include "core/memory_transport.hpp"
#include "server/cluster_files.hpp"
#include "server/local_nodes.hpp"

namespace quorate {

struct EmbeddedCluster::Impl {
  explicit Impl(ClusterConfig config) : nodes(std::move(config), transport) {}

  Result<void> start();
  bool is_new(const NodeConfig& node) const {
    const auto files = open_node_files(nodes.config().engine, node);
    return files && !files->has_begun();
  }

  MemoryTransport transport;
  LocalNodes nodes;
};

// Nodes that are no members yet, because they are new or have lost their files, join once there is a leader.
Result<void> EmbeddedCluster::Impl::start() {
  const std::size_t majority = nodes.config().nodes.size() / 2 + 1;
  if (auto started = nodes.start_all(std::min(majority, nodes.config().nodes.size())); !started)
    return started;
  for (const NodeConfig& node : nodes.config().nodes) {
    if (!nodes.is_up(node.id) && is_new(node)) nodes.join_node(node.id);
  }
  return {};
}

EmbeddedCluster::EmbeddedCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedCluster::~EmbeddedCluster() = default;

Result<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::open(ClusterConfig config) {
  auto cluster_id = bring_up_files(config);
  if (!cluster_id) return std::unexpected(cluster_id.error());
  config.cluster_id = *cluster_id;
  std::unique_ptr<EmbeddedCluster> cluster(new EmbeddedCluster(std::make_unique<Impl>(std::move(config))));
  if (auto started = cluster->impl_->start(); !started) return std::unexpected(started.error());
  return cluster;
}

MultiDbCoordinator& EmbeddedCluster::coordinator() {
  return impl_->nodes.coordinator();
}
const ClusterConfig& EmbeddedCluster::config() const {
  return impl_->nodes.config();
}

void EmbeddedCluster::add_node(NodeId, std::string, Deadline,
                               MultiDbCoordinator::Callback<std::uint64_t> done) {
  done(fail(ErrorCode::malformed_request,
            "All nodes of this cluster run in one process, which names them when it starts (--backup)."));
}

void EmbeddedCluster::stop_node(const std::string& id) {
  impl_->nodes.stop_node(id, "stopped", "It was stopped.");
}
Result<void> EmbeddedCluster::start_node(const std::string& id) {
  return impl_->nodes.start_node(id);
}

bool EmbeddedCluster::stop(std::chrono::milliseconds grace) {
  return impl_->nodes.stop(grace);
}

}  // namespace quorate
