// What the handlers work with. Made by the composition root; outlives every connection.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

#include "config/http_options.hpp"
#include "core/cluster_config.hpp"
#include "core/coordinator.hpp"
#include "server/cors.hpp"
#include "server/http_metrics.hpp"
#include "server/json_reader.hpp"
#include "server/running_cluster.hpp"

namespace quorate {

struct Services {
  RunningCluster& cluster;
  MultiDbCoordinator& coordinator;  // the cluster's
  CoreLimits limits;
  JsonLimits json_limits;
  HttpLimits http_limits;
  CorsPolicy cors;
  bool log_requests = false;  // all of them, not only those that failed
  HttpMetrics& metrics;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  // Requests under way that take a Turn.
  mutable std::atomic<std::size_t> backups = 0;
  mutable std::atomic<std::size_t> restores = 0;
  mutable std::atomic<std::size_t> ingests = 0;
  std::atomic<bool> stopping = false;  // set once: /readyz says so, and connections end after their request
};

}  // namespace quorate
