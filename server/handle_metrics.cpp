// GET /metrics, in the text format that Prometheus reads
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>

#include "server/handlers.hpp"
#include "server/services.hpp"

namespace quorate {
namespace {

struct NodeMetric {
  std::string_view name;
  std::string_view help;
  std::uint64_t (*value)(const NodeCounts& node);
};

constexpr auto kNodeMetrics = std::to_array<NodeMetric>({
    {"quorate_node_serves", "1 if the node has content that may be read.",
     [](const NodeCounts& node) -> std::uint64_t { return node.serves ? 1 : 0; }},
    {"quorate_node_leads", "1 if the node is the leader.",
     [](const NodeCounts& node) -> std::uint64_t { return node.leads ? 1 : 0; }},
    {"quorate_node_term", "The term of the consensus.", [](const NodeCounts& node) { return node.term; }},
    {"quorate_node_commit_index", "The last log entry that the node knows to be decided.",
     [](const NodeCounts& node) { return node.commit_index; }},
    {"quorate_node_applied_index", "The last log entry that is in the node's content.",
     [](const NodeCounts& node) { return node.applied_index; }},
    {"quorate_node_lag_entries", "Decided entries that the node has not applied.",
     [](const NodeCounts& node) {
       return node.commit_index - std::min(node.commit_index, node.applied_index);
     }},
    {"quorate_node_log_bytes", "About what the retained log takes on the disk.",
     [](const NodeCounts& node) { return node.log_bytes; }},
    {"quorate_node_queued_writes", "Transactions that wait to be prepared.",
     [](const NodeCounts& node) { return node.queued_writes; }},
    {"quorate_node_streams", "Results being streamed.", [](const NodeCounts& node) { return node.streams; }},
});

void append_nodes(std::string& out, const std::vector<NodeCounts>& nodes) {
  for (const NodeMetric& metric : kNodeMetrics) {
    append_metric_head(out, metric.name, "gauge", metric.help);
    for (const NodeCounts& node : nodes) {
      fmt::format_to(std::back_inserter(out), "{}{{node=\"{}\"}} {}\n", metric.name, node.id,
                     metric.value(node));
    }
  }
}

void append_transactions(std::string& out, const CoreCounts& counts) {
  append_metric_head(
      out, "quorate_transactions_total", "counter",
      "Transactions that this process was asked for: applied, or by the code of their problem.");
  fmt::format_to(std::back_inserter(out), "quorate_transactions_total{{result=\"applied\"}} {}\n",
                 counts.decided);
  for (std::size_t code = 0; code < kErrorCodes; ++code) {
    if (counts.refused[code] == 0) continue;
    fmt::format_to(std::back_inserter(out), "quorate_transactions_total{{result=\"{}\"}} {}\n",
                   to_string(static_cast<ErrorCode>(code)), counts.refused[code]);
  }
}

void append_process(std::string& out, std::chrono::steady_clock::duration uptime) {
  append_metric_head(out, "quorate_build_info", "gauge", "Always 1; its label tells the version.");
  fmt::format_to(std::back_inserter(out), "quorate_build_info{{version=\"{}\"}} 1\n", QUORATE_VERSION);
  append_metric_head(out, "quorate_uptime_seconds", "gauge", "Since the process began to serve.");
  fmt::format_to(std::back_inserter(out), "quorate_uptime_seconds {:.3f}\n",
                 std::chrono::duration<double>(uptime).count());
}

}  // namespace

HandlerResult get_metrics(const Services& services, const HttpRequest&) {
  HttpResponse response{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
  std::string& out = response.body;
  append_process(out, std::chrono::steady_clock::now() - services.began);
  services.metrics.append(out);
  const CoreCounts counts = services.coordinator.counts();
  append_transactions(out, counts);
  append_nodes(out, counts.nodes);
  co_return response;
}

}  // namespace quorate
