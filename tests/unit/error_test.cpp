#include "core/error.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace quorate {
namespace {

constexpr int kErrorCodes = static_cast<int>(ErrorCode::internal) + 1;

}  // namespace

TEST_CASE("every error code has a name of its own that fits a URL") {
  std::set<std::string> names;
  for (int code = 0; code < kErrorCodes; ++code) {
    const std::string name(to_string(static_cast<ErrorCode>(code)));
    CAPTURE(name);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    CHECK(names.insert(name).second);
  }
}

TEST_CASE("only errors that may pass by themselves are retryable") {
  CHECK(is_retryable(ErrorCode::overloaded));
  CHECK(is_retryable(ErrorCode::no_leader));
  CHECK(is_retryable(ErrorCode::node_unavailable));
  CHECK(is_retryable(ErrorCode::leadership_lost));
  CHECK_FALSE(is_retryable(ErrorCode::version_conflict));
  CHECK_FALSE(is_retryable(ErrorCode::constraint_failed));
  CHECK_FALSE(is_retryable(ErrorCode::malformed_request));
  CHECK_FALSE(is_retryable(ErrorCode::sql_error));
}

TEST_CASE("a failure is not_applied unless it says otherwise") {
  const Result<int> failed = fail(ErrorCode::io_error, "the disk is gone");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().outcome == Outcome::not_applied);
  CHECK(failed.error().message == "the disk is gone");

  const Result<int> unknown = fail(ErrorCode::leadership_lost, "the leader changed", Outcome::unknown);
  CHECK(unknown.error().outcome == Outcome::unknown);
  CHECK(to_string(unknown.error().outcome) == "unknown");
}

}  // namespace quorate
