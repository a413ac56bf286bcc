#include <doctest/doctest.h>

#include <string>

#include "server/row_precondition.hpp"

namespace quorate {
namespace {

using Kind = RowPrecondition::Kind;

HttpRequest request(std::initializer_list<std::pair<const char*, const char*>> headers) {
  HttpRequest result;
  for (const auto& [name, value] : headers) result.headers.add(name, value);
  return result;
}

Result<RowPrecondition> read(const char* name, const char* value, bool may_create = true) {
  return read_precondition(request({{name, value}}), may_create);
}

}  // namespace

TEST_CASE("If-Match names one version, or any") {
  CHECK(read("If-Match", "\"3\"")->kind == Kind::version);
  CHECK(read("If-Match", "\"3\"")->version == Value(std::int64_t{3}));
  CHECK(read("if-match", " \"-3\" ")->version == Value(std::int64_t{-3}));
  CHECK(read("If-Match", "*")->kind == Kind::any_version);
  // Well-formed tags that this server never gave out match nothing.
  for (const char* const other :
       {"\"abc\"", "\"\"", "\"03\"", "\"3.0\"", "\" 3\"", "\"9223372036854775808\""}) {
    CAPTURE(other);
    REQUIRE(read("If-Match", other).has_value());
    CHECK(std::holds_alternative<Null>(read("If-Match", other)->version));
  }
  for (const char* const bad :
       {"3", "", "\"3", "3\"", "\"", "W/\"3\"", "\"3\", \"4\"", "*, \"3\"", "\"3\"4\""}) {
    CAPTURE(bad);
    CHECK(read("If-Match", bad).error().code == ErrorCode::malformed_request);
  }
}

TEST_CASE("If-None-Match: * creates, where that is possible") {
  CHECK(read("If-None-Match", "*")->kind == Kind::absent);
  CHECK(read("If-None-Match", "\"3\"").error().code == ErrorCode::malformed_request);
  CHECK(read("If-None-Match", "*", false).error().code == ErrorCode::malformed_request);
}

TEST_CASE("a change without a precondition, or with two, is refused") {
  CHECK(read_precondition(request({}), true).error().code == ErrorCode::precondition_required);
  CHECK(read_precondition(request({}), false).error().code == ErrorCode::precondition_required);
  const HttpRequest both = request({{"If-Match", "*"}, {"If-None-Match", "*"}});
  CHECK(read_precondition(both, true).error().code == ErrorCode::malformed_request);
  const HttpRequest twice = request({{"If-Match", "\"1\""}, {"If-Match", "\"2\""}});
  CHECK(read_precondition(twice, true).error().code == ErrorCode::malformed_request);
}

TEST_CASE("a row is not modified if the client names its tag, weak or among others") {
  const auto tag = entity_tag(std::int64_t{3});
  CHECK(tag == "\"3\"");
  for (const char* const known : {"\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"}) {
    CAPTURE(known);
    CHECK(is_not_modified(request({{"If-None-Match", known}}), tag));
  }
  for (const char* const other : {"\"4\"", "3", "", "\"33\""}) {
    CAPTURE(other);
    CHECK_FALSE(is_not_modified(request({{"If-None-Match", other}}), tag));
  }
  CHECK_FALSE(is_not_modified(request({}), tag));
  CHECK_FALSE(entity_tag(std::string("3")).has_value());
  CHECK_FALSE(is_not_modified(request({{"If-None-Match", "\"3\""}}), entity_tag(Null{})));
}

}  // namespace quorate
