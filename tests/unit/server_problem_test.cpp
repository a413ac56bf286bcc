#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "server/json_reader.hpp"
#include "server/problem.hpp"

namespace quorate {
namespace {

constexpr int kErrorCodes = static_cast<int>(ErrorCode::internal) + 1;

std::map<std::string, JsonValue> members(const HttpResponse& response) {
  Result<JsonValue> body = read_json(response.body, {});
  REQUIRE(body.has_value());
  std::map<std::string, JsonValue> result;
  for (JsonMember& member : *body->as<JsonValue::Object>())
    result.emplace(member.name, std::move(member.value));
  return result;
}

bool has_retry_after(const HttpResponse& response) {
  return std::ranges::any_of(response.headers,
                             [](const auto& header) { return header.first == "Retry-After"; });
}

}  // namespace

TEST_CASE("every error code has its own kind, with a status that fits") {
  std::set<std::string_view> codes;
  for (int i = 0; i < kErrorCodes; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const ProblemKind& kind = kind_of(code);
    CAPTURE(kind.code);
    CHECK(kind.code == to_string(code));
    CHECK(kind.status >= 400);
    CHECK(kind.status <= 507);
    CHECK_FALSE(kind.title.empty());
    CHECK(kind.help.size() > 40);
    CHECK(find_problem_kind(kind.code) == &kind);
  }
  for (const ProblemKind& kind : problem_kinds()) CHECK(codes.insert(kind.code).second);
  CHECK(find_problem_kind("nothing") == nullptr);
}

TEST_CASE("the statuses that clients rely on") {
  CHECK(kind_of(ErrorCode::malformed_request).status == 400);
  CHECK(kind_of(ErrorCode::not_found).status == 404);
  CHECK(kind_of(ErrorCode::version_conflict).status == 409);
  CHECK(kind_of(ErrorCode::row_count_mismatch).status == 409);
  CHECK(kind_of(ErrorCode::limit_exceeded).status == 413);
  CHECK(kind_of(ErrorCode::sql_error).status == 422);
  CHECK(kind_of(ErrorCode::constraint_failed).status == 422);
  CHECK(kind_of(ErrorCode::overloaded).status == 429);
  CHECK(kind_of(ErrorCode::internal).status == 500);
  CHECK(kind_of(ErrorCode::no_leader).status == 503);
  CHECK(kind_of(ErrorCode::deadline_exceeded).status == 503);
  CHECK(kind_of(ErrorCode::disk_full).status == 507);
  CHECK(kind_of(HttpProblem::method_not_allowed).status == 405);
  CHECK(kind_of(HttpProblem::request_timeout).status == 408);
  CHECK(kind_of(HttpProblem::too_many_connections).status == 503);
}

TEST_CASE("an error becomes a complete problem") {
  const Error error{.code = ErrorCode::node_unavailable,
                    .message = "n2 does \"not\" answer",
                    .outcome = Outcome::unknown,
                    .statement = 3,
                    .node = "n2"};
  const HttpResponse response = problem_response(error, "id-1");
  CHECK(response.status == 503);
  CHECK(response.content_type == "application/problem+json");
  auto body = members(response);
  CHECK(*body["type"].as<std::string>() == "/problems/node_unavailable");
  CHECK(*body["code"].as<std::string>() == "node_unavailable");
  CHECK(*body["status"].as<std::int64_t>() == 503);
  CHECK(*body["detail"].as<std::string>() == error.message);
  CHECK(*body["outcome"].as<std::string>() == "unknown");
  CHECK(*body["retryable"].as<bool>());
  CHECK(*body["statement"].as<std::int64_t>() == 3);
  CHECK(*body["node"].as<std::string>() == "n2");
  CHECK(*body["request_id"].as<std::string>() == "id-1");
}

TEST_CASE("what an error does not have is left out") {
  auto body = members(problem_response(Error{.code = ErrorCode::sql_error, .message = "no"}, "i"));
  CHECK_FALSE(body.contains("statement"));
  CHECK_FALSE(body.contains("node"));
  CHECK_FALSE(*body["retryable"].as<bool>());
  CHECK(*body["outcome"].as<std::string>() == "not_applied");
}

TEST_CASE("429 and 503 say when to try again, others do not") {
  for (int i = 0; i < kErrorCodes; ++i) {
    const HttpResponse response =
        problem_response(Error{.code = static_cast<ErrorCode>(i), .message = "x"}, "i");
    CHECK(has_retry_after(response) == (response.status == 429 || response.status == 503));
  }
  CHECK(has_retry_after(problem_response(HttpProblem::too_many_connections, "x", "i")));
}

}  // namespace quorate
