// Counts requests and connections. Any thread; cheap enough for every request.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/router.hpp"

namespace quorate {

class HttpMetrics {
 public:
  HttpMetrics();

  // `route` is null if the request found none.
  void count(const Route* route, unsigned status, std::chrono::microseconds duration, std::uint64_t bytes);

  // In the Prometheus text format, version 0.0.4.
  void append(std::string& out) const;

  std::atomic<std::int64_t> connections = 0;  // open now

 private:
  static constexpr std::size_t kStatusClasses = 6;  // 2xx at 2, ...
  static constexpr std::array<double, 11> kBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
                                                  0.25,  1,      2.5,   10,   60};

  struct OfRoute {
    std::array<std::atomic<std::uint64_t>, kStatusClasses> statuses = {};
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> durations =
        {};  // by the first bound not below
    std::atomic<std::uint64_t> duration_us = 0;
  };

  void append_requests(std::string& out) const;
  void append_durations(std::string& out) const;
  static std::string labels_of(std::size_t route);

  std::vector<OfRoute> routes_;  // as api_routes(), and one for what found none
  std::atomic<std::uint64_t> bytes_ = 0;
};

// The lines that come before the samples of a metric.
void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help);

}  // namespace quorate
