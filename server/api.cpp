#include "server/api.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "server/request_id.hpp"
#include "server/router.hpp"
#include "server/trace_parent.hpp"

namespace quorate {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kOctets = "application/octet-stream";
constexpr std::string_view kLines = "application/x-ndjson";

// Of that type, with or without "; charset=utf-8".
bool is_type(std::string_view type, std::string_view content_type) {
  if (!equal_ignoring_case(content_type.substr(0, type.size()), type)) return false;
  if (content_type.size() == type.size()) return true;
  std::string rest;
  for (const char c : content_type.substr(type.size())) {
    if (c != ' ' && c != '\t' && c != '"') rest += c;
  }
  return rest.empty() || rest == ";" || equal_ignoring_case(rest, ";charset=utf-8");
}

// What is wrong with the request's body for that route, before it is read as JSON.
std::optional<HttpResponse> check_body(const Route& route, const HttpRequest& request,
                                       std::string_view request_id) {
  if (route.body == RouteBody::none || (route.body == RouteBody::optional_json && request.body.empty())) {
    if (request.body.empty()) return std::nullopt;
    return problem_response(
        Error{.code = ErrorCode::malformed_request, .message = "This request takes no body."}, request_id);
  }
  if (!request.headers.find("Content-Encoding").empty()) {
    return problem_response(HttpProblem::unsupported_media_type, "A Content-Encoding is not supported.",
                            request_id);
  }
  const std::string_view content_type = request.headers.find("Content-Type");
  if (route.body == RouteBody::file || route.body == RouteBody::ndjson) {
    const std::string_view wanted = route.body == RouteBody::file ? kOctets : kLines;
    if (is_type(wanted, content_type)) return std::nullopt;
    return problem_response(HttpProblem::unsupported_media_type,
                            "The Content-Type must be " + std::string(wanted) + ".", request_id);
  }
  const bool takes_patch = route.body == RouteBody::merge_patch;
  if (is_type(kJson, content_type) || (takes_patch && is_type(kMergePatch, content_type)))
    return std::nullopt;
  return problem_response(
      HttpProblem::unsupported_media_type,
      takes_patch ? "The Content-Type must be application/json or application/merge-patch+json, in UTF-8."
                  : "The Content-Type must be application/json, in UTF-8.",
      request_id);
}

HttpResponse method_not_allowed(const HttpRequest& request, std::string allow, std::string_view request_id) {
  const std::string detail = request.path + " takes " + allow + ".";
  HttpResponse response = problem_response(HttpProblem::method_not_allowed, detail, request_id);
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

}  // namespace

boost::asio::awaitable<HttpResponse> Api::handle(HttpRequest& request) const {
  begin(request);
  HttpResponse response = co_await answer(request);
  complete(response, request);
  co_return response;
}

boost::asio::awaitable<HttpResponse> Api::answer(HttpRequest& request) const {
  const std::string& request_id = request.context.id;
  RouteMatch match = find_route(api_routes(), request.method, request.path);
  request.route = match.route;
  if (!match.allow.empty() && services_.cors.is_preflight(request))
    co_return CorsPolicy::answer_preflight(match.allow);
  if (match.route == nullptr) {
    if (!match.allow.empty()) co_return method_not_allowed(request, std::move(match.allow), request_id);
    const std::string detail = "There is nothing at " + request.path + ". /openapi.yaml lists what there is.";
    co_return problem_response(Error{.code = ErrorCode::not_found, .message = detail}, request_id);
  }
  std::optional<HttpResponse> bad_body = check_body(*match.route, request, request_id);
  if (bad_body) co_return std::move(*bad_body);

  request.path_arguments = std::move(match.path_arguments);
  std::string bug;
  try {
    Result<HttpResponse> result = co_await match.route->handler(services_, request);
    if (result) co_return std::move(*result);
    co_return problem_response(result.error(), request_id);
  } catch (const std::exception& exception) {
    bug = exception.what();
  }
  spdlog::error("request {} {} {}: {}", request_id, to_string(request.method), request.path, bug);
  co_return problem_response(Error{.code = ErrorCode::internal,
                                   .message = "The server failed in a way it does not know: " + bug,
                                   .outcome = Outcome::unknown},
                             request_id);
}

HttpResponse Api::reject(HttpRequest& request, const Error& error) const {
  begin(request);
  HttpResponse response = problem_response(error, request.context.id);
  complete(response, request);
  response.close = true;
  return response;
}

HttpResponse Api::reject(HttpRequest& request, HttpProblem problem, std::string_view detail) const {
  begin(request);
  HttpResponse response = problem_response(problem, detail, request.context.id);
  complete(response, request);
  response.close = true;
  return response;
}

void Api::begin(HttpRequest& request) {
  request.context.id = choose_request_id(request.headers.find("X-Request-Id"));
  const std::string_view trace = request.headers.find("traceparent");
  const bool is_good = request.headers.count("traceparent") == 1 && is_trace_parent(trace);
  request.context.trace = is_good ? trace : "";
}

void Api::complete(HttpResponse& response, const HttpRequest& request) const {
  if (!response.index) response.index = services_.coordinator.applied_index();
  response.headers.emplace_back("X-Request-Id", request.context.id);
  services_.cors.complete(response, request);
}

void Api::note(const AnsweredRequest& answered) const {
  services_.metrics.count(answered.request.route, answered.response.status, answered.duration,
                          answered.bytes);
  log_request(answered, services_.log_requests);
}

}  // namespace quorate
