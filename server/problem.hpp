// Errors as clients see them: application/problem+json (RFC 9457). One table says for each code which status
// it has and what it means; one function turns every Error of Quorate into a response.
#pragma once

#include <span>
#include <string_view>

#include "core/error.hpp"
#include "server/http_message.hpp"

namespace quorate {

struct ProblemKind {
  std::string_view code;  // the last part of its type, /problems/{code}
  unsigned status;
  std::string_view title;
  std::string_view help;  // what it means and what to do, for the page behind the type
};

// Errors that only HTTP knows; all others are ErrorCodes.
enum class HttpProblem {
  method_not_allowed,      // 405
  not_acceptable,          // 406
  request_timeout,         // 408
  target_too_long,         // 414
  unsupported_media_type,  // 415
  expectation_failed,      // 417
  http_version,            // 426
  header_too_large,        // 431
  too_many_connections,    // 503, where overloaded otherwise is 429
};

std::span<const ProblemKind> problem_kinds();
const ProblemKind* find_problem_kind(std::string_view code);
const ProblemKind& kind_of(ErrorCode code);
const ProblemKind& kind_of(HttpProblem problem);

// 429 and 503 carry Retry-After. `members` are those that only this kind of problem has, as JSON text: ,"name":value
HttpResponse problem_response(const Error& error, std::string_view request_id, std::string_view members = {});
HttpResponse problem_response(HttpProblem problem, std::string_view detail, std::string_view request_id);

}  // namespace quorate
