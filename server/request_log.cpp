#include "server/request_log.hpp"

#include <spdlog/spdlog.h>

#include "server/problem.hpp"
#include "server/request_id.hpp"
#include "server/trace_parent.hpp"

namespace quorate {
namespace {

constexpr unsigned kServerError = 500;

// From another process, and so to be looked at before it is written into a log.
std::string ids_of(const RequestContext& context) {
  std::string text = is_request_id(context.id) ? context.id : "-";
  if (is_trace_parent(context.trace)) text.append(" trace ").append(trace_id_of(context.trace));
  return text;
}

}  // namespace

void log_request(const AnsweredRequest& answered, bool all) {
  const HttpResponse& response = answered.response;
  const Error* failure = response.stream && !answered.is_whole ? &response.stream->failure() : nullptr;
  const bool stream_failed = failure != nullptr && !failure->message.empty();
  const bool is_unknown = response.problem && response.problem->outcome == Outcome::unknown;
  const bool is_bad = response.status >= kServerError || is_unknown || stream_failed;
  if (!is_bad && !all) return;
  std::string what;
  if (response.problem) {
    what.append(" ").append(response.problem->code).append(", ").append(to_string(response.problem->outcome));
  }
  if (stream_failed) what.append(" cut: ").append(to_string(failure->code));
  // The query string may hold what is not for logs.
  const std::string_view path =
      std::string_view(answered.request.target).substr(0, answered.request.target.find('?'));
  spdlog::log(is_bad ? spdlog::level::warn : spdlog::level::info,
              "request {}: {} {} {}{}, {} bytes in {:.3f} ms{}", ids_of(answered.request.context),
              to_string(answered.request.method), path, response.status, what, answered.bytes,
              static_cast<double>(answered.duration.count()) / 1000.0,
              answered.is_whole ? "" : ", not all of it sent");
}

void log_served_call(const ServedCall& call) {
  const bool is_for_client = !call.context.id.empty();  // what nodes ask for themselves they ask again
  const bool is_bad =
      is_for_client && call.error != nullptr &&
      (kind_of(call.error->code).status >= kServerError || call.error->outcome == Outcome::unknown);
  spdlog::log(is_bad ? spdlog::level::warn : spdlog::level::debug, "request {}: {} for node {}: {}",
              ids_of(call.context), call.what, call.from,
              call.error == nullptr ? "done" : call.error->message);
}

}  // namespace quorate
