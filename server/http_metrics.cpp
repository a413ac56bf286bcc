#include "server/http_metrics.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>

namespace quorate {

HttpMetrics::HttpMetrics() : routes_(api_routes().size() + 1) {}

void HttpMetrics::count(const Route* route, unsigned status, std::chrono::microseconds duration,
                        std::uint64_t bytes) {
  OfRoute& of =
      route == nullptr ? routes_.back() : routes_[static_cast<std::size_t>(route - api_routes().data())];
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto bound = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  of.statuses[std::min<std::size_t>(status / 100, kStatusClasses - 1)].fetch_add(1,
                                                                                 std::memory_order_relaxed);
  of.durations[static_cast<std::size_t>(bound)].fetch_add(1, std::memory_order_relaxed);
  of.duration_us.fetch_add(static_cast<std::uint64_t>(duration.count()), std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

std::string HttpMetrics::labels_of(std::size_t route) {
  if (route >= api_routes().size()) return R"(route="none",method="none")";
  const Route& known = api_routes()[route];
  return fmt::format(R"(route="{}",method="{}")", known.path, to_string(known.method));
}

void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void HttpMetrics::append_requests(std::string& out) const {
  append_metric_head(out, "quorate_http_requests_total", "counter",
                     "Requests answered, by route (a HEAD counts as GET) and class of status.");
  for (std::size_t route = 0; route < routes_.size(); ++route) {
    for (std::size_t status = 1; status < kStatusClasses; ++status) {
      const std::uint64_t count = routes_[route].statuses[status];
      if (count == 0) continue;
      fmt::format_to(std::back_inserter(out), "quorate_http_requests_total{{{},status=\"{}xx\"}} {}\n",
                     labels_of(route), status, count);
    }
  }
}

void HttpMetrics::append_durations(std::string& out) const {
  append_metric_head(out, "quorate_http_request_duration_seconds", "histogram",
                     "From a request's last byte to its answer's last byte.");
  for (std::size_t route = 0; route < routes_.size(); ++route) {
    const OfRoute& of = routes_[route];
    const std::string labels = labels_of(route);
    std::uint64_t below = 0;
    std::string lines;
    for (std::size_t i = 0; i < of.durations.size(); ++i) {
      below += of.durations[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      fmt::format_to(std::back_inserter(lines),
                     "quorate_http_request_duration_seconds_bucket{{{},le=\"{}\"}} {}\n", labels, bound,
                     below);
    }
    if (below == 0) continue;
    out += lines;
    fmt::format_to(std::back_inserter(out),
                   "quorate_http_request_duration_seconds_sum{{{0}}} {1}\n"
                   "quorate_http_request_duration_seconds_count{{{0}}} {2}\n",
                   labels, static_cast<double>(of.duration_us) / 1e6, below);
  }
}

void HttpMetrics::append(std::string& out) const {
  append_requests(out);
  append_durations(out);
  append_metric_head(out, "quorate_http_response_bytes_total", "counter", "Bytes of bodies and heads sent.");
  fmt::format_to(std::back_inserter(out), "quorate_http_response_bytes_total {}\n", bytes_.load());
  append_metric_head(out, "quorate_http_connections", "gauge", "Connections open now.");
  fmt::format_to(std::back_inserter(out), "quorate_http_connections {}\n", connections.load());
}

}  // namespace quorate
