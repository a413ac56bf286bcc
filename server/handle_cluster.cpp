// GET /v1/cluster, PUT /v1/cluster/mode, POST /v1/cluster/verify
#include "server/await_result.hpp"
#include "server/cluster_json.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/request_fields.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

struct ClusterRequest {
  std::optional<ConsistencyMode> mode;
  std::chrono::milliseconds timeout;
};

// `takes_mode`: of the two, only the mode switch has this field.
Result<ClusterRequest> decode_cluster_request(JsonValue& body, const CoreLimits& limits, bool takes_mode) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  ClusterRequest request{.mode = {}, .timeout = limits.default_timeout};
  std::optional<Error> error;
  for (JsonMember& member : **object) {
    if (member.name == "mode" && takes_mode) {
      store(expect_mode(root.at(member.name), member.value), request.mode, error);
    } else if (member.name == "timeout_ms") {
      store(expect_timeout(root.at(member.name), member.value, limits), request.timeout, error);
    } else {
      return unknown_field(root, member.name, takes_mode ? "mode, timeout_ms" : "timeout_ms");
    }
    if (error) return std::unexpected(std::move(*error));
  }
  if (takes_mode && !request.mode) return malformed(root, "needs the field \"mode\".");
  return request;
}

Result<ClusterRequest> read_cluster_request(const Services& services, const HttpRequest& request,
                                            bool takes_mode) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) return std::unexpected(parameters.error());
  const std::string_view text = request.body.empty() ? std::string_view("{}") : request.body;
  Result<JsonValue> body = read_json(text, services.json_limits);
  if (!body) return std::unexpected(std::move(body.error()));
  return decode_cluster_request(*body, services.limits, takes_mode);
}

}  // namespace

HandlerResult get_cluster(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) co_return std::unexpected(parameters.error());
  HttpResponse response;
  append_cluster_status(response.body, services.coordinator.status());
  co_return response;
}

HandlerResult put_cluster_mode(const Services& services, const HttpRequest& request) {
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, true);
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
  const Result<ClusterRequest> decoded = read_cluster_request(services, request, false);
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

}  // namespace quorate
