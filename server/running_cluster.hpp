// What `quorate serve` runs, whatever its topology: all nodes in this process, or one node of a cluster of processes.
#pragma once

#include <chrono>

#include "core/cluster_config.hpp"
#include "core/coordinator.hpp"

namespace quorate {

class RunningCluster {
 public:
  virtual ~RunningCluster() = default;
  virtual MultiDbCoordinator& coordinator() = 0;
  virtual const ClusterConfig& config() const = 0;
  // Lets the node whose peer port is at HOST:PORT join, as MultiDbCoordinator::change_member says; it must have been
  // started and belong to no cluster, or to this one. Errors also: node_unavailable (it does not answer there before the
  // deadline), malformed_request (all nodes of this cluster are in this process).
  virtual void add_node(NodeId node, std::string peer, Deadline deadline,
                        MultiDbCoordinator::Callback<std::uint64_t> done) = 0;
  // Drains writes until `grace` has passed, then stops all nodes and closes their files. Returns false if accepted
  // writes were left without an answer. Blocks; idempotent.
  virtual bool stop(std::chrono::milliseconds grace = std::chrono::seconds(10)) = 0;
};

}  // namespace quorate
