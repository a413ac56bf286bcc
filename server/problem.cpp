#include "server/problem.hpp"

#include "server/json_writer.hpp"

namespace quorate {

namespace {

constexpr std::string_view kRetryAfterSeconds = "1";

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

HttpResponse make_response(const ProblemKind& kind, const Error& error, bool retryable,
                           std::string_view request_id, std::string_view members = {}) {
  HttpResponse response{.status = kind.status,
                        .content_type = "application/problem+json",
                        .problem = ProblemNote{.code = kind.code, .outcome = error.outcome}};
  std::string& out = response.body;
  out += R"({"type":"/problems/)";
  out += kind.code;
  out += '"';
  append_member(out, "title", kind.title);
  out += ",\"status\":";
  append_json_integer(out, std::uint64_t{kind.status});
  append_member(out, "detail", error.message);
  append_member(out, "code", kind.code);
  out += retryable ? ",\"retryable\":true" : ",\"retryable\":false";
  append_member(out, "outcome", to_string(error.outcome));
  if (error.statement) {
    out += ",\"statement\":";
    append_json_integer(out, std::uint64_t{*error.statement});
  }
  if (error.params_index) {
    out += ",\"params_index\":";
    append_json_integer(out, std::uint64_t{*error.params_index});
  }
  if (!error.node.empty()) append_member(out, "node", error.node);
  out += members;
  append_member(out, "request_id", request_id);
  out += '}';
  if (kind.status == 429 || kind.status == 503)
    response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

}  // namespace

HttpResponse problem_response(const Error& error, std::string_view request_id, std::string_view members) {
  return make_response(kind_of(error.code), error, is_retryable(error.code), request_id, members);
}

HttpResponse problem_response(HttpProblem problem, std::string_view detail, std::string_view request_id) {
  const bool retryable =
      problem == HttpProblem::request_timeout || problem == HttpProblem::too_many_connections;
  return make_response(kind_of(problem), Error{.message = std::string(detail)}, retryable, request_id);
}

}  // namespace quorate
