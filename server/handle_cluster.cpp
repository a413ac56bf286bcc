// GET /v1/cluster, PUT /v1/cluster/mode, POST /v1/cluster/verify, POST /v1/cluster/leader,
// POST and DELETE /v1/cluster/nodes[/{id}]
#include <algorithm>
#include <array>
#include <span>

#include "config/setting_values.hpp"
#include "server/await_result.hpp"
#include "server/cluster_json.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"
#include "server/request_fields.hpp"
#include "server/request_target.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

struct ClusterRequest {
  std::optional<ConsistencyMode> mode;
  std::optional<std::string> node;
  std::optional<std::string> peer;
  std::chrono::milliseconds timeout;
};

// The fields that a request takes, and needs, besides its timeout.
using Needs = std::span<const std::string_view>;

constexpr std::string_view kMode = "mode";
constexpr std::string_view kNode = "node";
constexpr std::string_view kPeer = "peer";
constexpr std::array kNeedsMode{kMode};
constexpr std::array kNeedsNode{kNode};
constexpr std::array kNeedsNodeAndPeer{kNode, kPeer};

Result<ClusterRequest> decode_cluster_request(JsonValue& body, const CoreLimits& limits, Needs needs) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  std::string known;
  for (const std::string_view field : needs) known.append(field).append(", ");
  known += "timeout_ms";
  const auto takes = [needs](std::string_view field) {
    return std::ranges::find(needs, field) != needs.end();
  };
  ClusterRequest request{.mode = {}, .node = {}, .peer = {}, .timeout = limits.default_timeout};
  std::optional<Error> error;
  for (JsonMember& member : **object) {
    if (member.name == kMode && takes(kMode)) {
      store(expect_mode(root.at(member.name), member.value), request.mode, error);
    } else if (member.name == kNode && takes(kNode)) {
      store(expect_string(root.at(member.name), member.value), request.node, error);
    } else if (member.name == kPeer && takes(kPeer)) {
      store(expect_string(root.at(member.name), member.value), request.peer, error);
    } else if (member.name == "timeout_ms") {
      store(expect_timeout(root.at(member.name), member.value, limits), request.timeout, error);
    } else {
      return unknown_field(root, member.name, known);
    }
    if (error) return std::unexpected(std::move(*error));
  }
  const auto missing = [&](std::string_view field) {
    return malformed(root, "needs the field \"" + std::string(field) + "\".");
  };
  if (takes(kMode) && !request.mode) return missing(kMode);
  if (takes(kNode) && !request.node) return missing(kNode);
  if (takes(kPeer) && !request.peer) return missing(kPeer);
  return request;
}

Result<ClusterRequest> read_cluster_request(const Services& services, const HttpRequest& request,
                                            Needs needs) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) return std::unexpected(parameters.error());
  const std::string_view text = request.body.empty() ? std::string_view("{}") : request.body;
  Result<JsonValue> body = read_json(text, services.json_limits);
  if (!body) return std::unexpected(std::move(body.error()));
  return decode_cluster_request(*body, services.limits, needs);
}

}  // namespace

HandlerResult get_cluster(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Deadline deadline = deadline_after(services.limits.default_timeout);
  auto start = [&services, &request, deadline](MultiDbCoordinator::Callback<ClusterStatus> done) {
    services.coordinator.status(deadline, std::move(done), request.context);
  };
  const Result<ClusterStatus> status = co_await await_result<ClusterStatus>(std::move(start));
  if (!status) co_return std::unexpected(status.error());
  HttpResponse response;
  append_cluster_status(response.body, *status);
  co_return response;
}

HandlerResult put_cluster_mode(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, kNeedsMode);
  if (!decoded) co_return std::unexpected(decoded.error());
  const ConsistencyMode mode = *decoded->mode;
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, &request, mode, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.set_mode(mode, deadline, std::move(done), request.context);
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  HttpResponse response{.index = *index};
  response.body.append("{\"mode\":\"").append(to_string(mode)).append("\",\"index\":");
  append_json_integer(response.body, *index);
  response.body += '}';
  co_return response;
}

HandlerResult post_cluster_verify(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, {});
  if (!decoded) co_return std::unexpected(decoded.error());
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, &request, deadline](MultiDbCoordinator::Callback<VerifyReport> done) {
    services.coordinator.verify(deadline, std::move(done), request.context);
  };
  const Result<VerifyReport> report = co_await await_result<VerifyReport>(std::move(start));
  if (!report) co_return std::unexpected(report.error());
  HttpResponse response{.index = report->index};
  append_verify_report(response.body, *report);
  co_return response;
}

HandlerResult post_cluster_leader(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, kNeedsNode);
  if (!decoded) co_return std::unexpected(decoded.error());
  const std::string node = *decoded->node;
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, &request, &node, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.transfer_leadership(node, deadline, std::move(done), request.context);
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  HttpResponse response;
  response.body = "{\"leader\":";
  append_json_string(response.body, node);
  response.body += '}';
  co_return response;
}

HandlerResult post_cluster_nodes(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, kNeedsNodeAndPeer);
  if (!decoded) co_return std::unexpected(decoded.error());
  const std::string& node = *decoded->node;
  const std::string& peer = *decoded->peer;
  const Place root;
  if (!is_node_id(node))
    co_return malformed(root.at(kNode), "must be 1 to 64 letters, digits, '-', '_' and '.'.");
  if (!parse_listen_address(peer)) co_return malformed(root.at(kPeer), "must be HOST:PORT.");
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.cluster.add_node(node, peer, deadline, std::move(done));
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  HttpResponse response{.status = 201, .index = *index};
  response.body = "{\"added\":";
  append_json_string(response.body, node);
  response.body.append(",\"index\":");
  append_json_integer(response.body, *index);
  response.body += '}';
  co_return response;
}

HandlerResult delete_cluster_node(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) co_return std::unexpected(parameters.error());
  const std::string node = percent_decoded(request.path_arguments.front());
  const Deadline deadline = deadline_after(services.limits.default_timeout);
  auto start = [&services, &request, &node, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.change_member({.member = {.id = node}, .remove = true}, deadline, std::move(done),
                                       request.context);
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  HttpResponse response{.index = *index};
  response.body = "{\"removed\":";
  append_json_string(response.body, node);
  response.body.append(",\"index\":");
  append_json_integer(response.body, *index);
  response.body += '}';
  co_return response;
}

}  // namespace quorate
