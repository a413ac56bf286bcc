#include "server/request_fields.hpp"

#include <limits>

namespace quorate {

namespace {

std::string_view name_of_type(const JsonValue& value) {
  struct Names {
    std::string_view operator()(JsonValue::Null) const { return "null"; }
    std::string_view operator()(bool) const { return "a boolean"; }
    std::string_view operator()(std::int64_t) const { return "an integer"; }
    std::string_view operator()(double) const { return "a number with a fraction or an exponent"; }
    std::string_view operator()(const std::string&) const { return "a string"; }
    std::string_view operator()(const JsonValue::Array&) const { return "an array"; }
    std::string_view operator()(const JsonValue::Object&) const { return "an object"; }
    std::string_view operator()(const JsonValue::Rows&) const { return "an array"; }
  };
  return std::visit(Names{}, value.data);
}

std::string range_text(std::int64_t low, std::int64_t high) {
  if (high == std::numeric_limits<std::int64_t>::max())
    return "must be at least " + std::to_string(low) + ".";
  return "must be from " + std::to_string(low) + " to " + std::to_string(high) + ".";
}

}  // namespace

std::unexpected<Error> malformed(const Place& place, std::string_view problem) {
  return fail(ErrorCode::malformed_request, place.text() + " " + std::string(problem));
}

std::unexpected<Error> wrong_type(const Place& place, const JsonValue& value, std::string_view wanted) {
  return malformed(place,
                   "must be " + std::string(wanted) + ", not " + std::string(name_of_type(value)) + ".");
}

std::unexpected<Error> unknown_field(const Place& place, std::string_view name, std::string_view known) {
  return malformed(
      place, "has the unknown field \"" + std::string(name) + "\". Known are: " + std::string(known) + ".");
}

std::unexpected<Error> too_large(const Place& place, std::string_view what, std::size_t limit) {
  return fail(ErrorCode::limit_exceeded,
              place.text() + " " + std::string(what) + "; the limit is " + std::to_string(limit) + ".");
}

Result<JsonValue::Object*> expect_object(const Place& place, JsonValue& value) {
  if (auto* object = value.as<JsonValue::Object>()) return object;
  return wrong_type(place, value, "an object");
}

Result<std::int64_t> expect_integer(const Place& place, const JsonValue& value, std::int64_t low,
                                    std::int64_t high) {
  const auto* integer = std::get_if<std::int64_t>(&value.data);
  if (integer == nullptr) return wrong_type(place, value, "an integer");
  if (*integer < low || *integer > high) return malformed(place, range_text(low, high));
  return *integer;
}

Result<bool> expect_boolean(const Place& place, const JsonValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value.data)) return *boolean;
  return wrong_type(place, value, "true or false");
}

Result<std::string> expect_string(const Place& place, JsonValue& value) {
  if (auto* text = value.as<std::string>()) return std::move(*text);
  return wrong_type(place, value, "a string");
}

Result<std::string> expect_sql(const Place& place, JsonValue& value, const CoreLimits& limits) {
  Result<std::string> sql = expect_string(place, value);
  if (!sql) return sql;
  if (sql->size() > limits.sql_bytes) {
    return too_large(place, "is " + std::to_string(sql->size()) + " bytes long", limits.sql_bytes);
  }
  if (sql->contains('\0')) return malformed(place, "must not contain the character U+0000.");
  if (sql->find_first_not_of(" \t\r\n\f;") == std::string::npos)
    return malformed(place, "must not be empty.");
  return sql;
}

Result<std::chrono::milliseconds> expect_timeout(const Place& place, const JsonValue& value,
                                                 const CoreLimits& limits) {
  const Result<std::int64_t> timeout = expect_integer(place, value, 1, limits.max_timeout.count());
  if (!timeout) return std::unexpected(timeout.error());
  return std::chrono::milliseconds(*timeout);
}

Result<ReadConsistency> expect_consistency(const Place& place, JsonValue& value) {
  const Result<std::string> text = expect_string(place, value);
  if (!text) return std::unexpected(text.error());
  if (*text == "local") return ReadConsistency::local;
  if (*text == "leader") return ReadConsistency::leader;
  if (*text == "linearizable") return ReadConsistency::linearizable;
  return malformed(place, "must be \"local\", \"leader\" or \"linearizable\".");
}

Result<ConsistencyMode> expect_mode(const Place& place, JsonValue& value) {
  const Result<std::string> text = expect_string(place, value);
  if (!text) return std::unexpected(text.error());
  const std::optional<ConsistencyMode> mode = parse_mode(*text);
  if (!mode) return malformed(place, "must be \"quorum\" or \"dual_write\".");
  return *mode;
}

}  // namespace quorate
