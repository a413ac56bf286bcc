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
  // Drains writes until `grace` has passed, then stops all nodes and closes their files. Returns false if accepted
  // writes were left without an answer. Blocks; idempotent.
  virtual bool stop(std::chrono::milliseconds grace = std::chrono::seconds(10)) = 0;
};

}  // namespace quorate
