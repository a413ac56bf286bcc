// GET /v1/cluster, PUT /v1/cluster/mode, POST /v1/cluster/verify, POST /v1/cluster/leader, DELETE /v1/cluster/nodes/{id}
#include "server/await_result.hpp"
#include "server/cluster_json.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"
#include "server/request_fields.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

struct ClusterRequest {
  std::optional<ConsistencyMode> mode;
  std::optional<std::string> node;
  std::chrono::milliseconds timeout;
};

// What a request takes, and needs, besides its timeout.
enum class Needs { nothing, mode, node };

Result<ClusterRequest> decode_cluster_request(JsonValue& body, const CoreLimits& limits, Needs needs) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  const std::string_view needed = needs == Needs::mode ? "mode" : needs == Needs::node ? "node" : "";
  const std::string known = needed.empty() ? "timeout_ms" : std::string(needed) + ", timeout_ms";
  ClusterRequest request{.mode = {}, .node = {}, .timeout = limits.default_timeout};
  std::optional<Error> error;
  for (JsonMember& member : **object) {
    if (member.name == "mode" && needs == Needs::mode) {
      store(expect_mode(root.at(member.name), member.value), request.mode, error);
    } else if (member.name == "node" && needs == Needs::node) {
      store(expect_string(root.at(member.name), member.value), request.node, error);
    } else if (member.name == "timeout_ms") {
      store(expect_timeout(root.at(member.name), member.value, limits), request.timeout, error);
    } else {
      return unknown_field(root, member.name, known);
    }
    if (error) return std::unexpected(std::move(*error));
  }
  const bool complete = needs == Needs::nothing || request.mode || request.node;
  if (!complete) return malformed(root, "needs the field \"" + std::string(needed) + "\".");
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
  auto start = [&services, deadline](MultiDbCoordinator::Callback<ClusterStatus> done) {
    services.coordinator.status(deadline, std::move(done));
  };
  const Result<ClusterStatus> status = co_await await_result<ClusterStatus>(std::move(start));
  if (!status) co_return std::unexpected(status.error());
  HttpResponse response;
  append_cluster_status(response.body, *status);
  co_return response;
}

HandlerResult put_cluster_mode(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, Needs::mode);
  if (!decoded) co_return std::unexpected(decoded.error());
  const ConsistencyMode mode = *decoded->mode;
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, mode, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.set_mode(mode, deadline, std::move(done));
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
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, Needs::nothing);
  if (!decoded) co_return std::unexpected(decoded.error());
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, deadline](MultiDbCoordinator::Callback<VerifyReport> done) {
    services.coordinator.verify(deadline, std::move(done));
  };
  const Result<VerifyReport> report = co_await await_result<VerifyReport>(std::move(start));
  if (!report) co_return std::unexpected(report.error());
  HttpResponse response{.index = report->index};
  append_verify_report(response.body, *report);
  co_return response;
}

HandlerResult post_cluster_leader(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, Needs::node);
  if (!decoded) co_return std::unexpected(decoded.error());
  const std::string node = *decoded->node;
  const Deadline deadline = deadline_after(decoded->timeout);
  auto start = [&services, &node, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.transfer_leadership(node, deadline, std::move(done));
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  HttpResponse response;
  response.body = "{\"leader\":";
  append_json_string(response.body, node);
  response.body += '}';
  co_return response;
}

HandlerResult delete_cluster_node(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) co_return std::unexpected(parameters.error());
  const std::string node = request.path_argument;
  const Deadline deadline = deadline_after(services.limits.default_timeout);
  auto start = [&services, &node, deadline](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.change_member({.member = {.id = node}, .remove = true}, deadline, std::move(done));
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
