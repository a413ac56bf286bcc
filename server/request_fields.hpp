// The small pieces that the decoding of every request body is made of. All errors are malformed_request
// unless said otherwise, and their message begins with the place.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/cluster_config.hpp"
#include "core/error.hpp"
#include "core/query.hpp"
#include "server/json_value.hpp"
#include "server/place.hpp"

namespace quorate {

std::unexpected<Error> malformed(const Place& place, std::string_view problem);
std::unexpected<Error> wrong_type(const Place& place, const JsonValue& value, std::string_view wanted);
std::unexpected<Error> unknown_field(const Place& place, std::string_view name, std::string_view known);
// limit_exceeded: "{place} {what}; the limit is {limit}."
std::unexpected<Error> too_large(const Place& place, std::string_view what, std::size_t limit);

Result<JsonValue::Object*> expect_object(const Place& place, JsonValue& value);
Result<std::int64_t> expect_integer(const Place& place, const JsonValue& value, std::int64_t low,
                                    std::int64_t high);
Result<bool> expect_boolean(const Place& place, const JsonValue& value);
Result<std::string> expect_string(const Place& place, JsonValue& value);  // moves it out

// One SQL text. Errors: also limit_exceeded, when it is longer than limits.sql_bytes.
Result<std::string> expect_sql(const Place& place, JsonValue& value, const CoreLimits& limits);

// "timeout_ms": from 1 to limits.max_timeout.
Result<std::chrono::milliseconds> expect_timeout(const Place& place, const JsonValue& value,
                                                 const CoreLimits& limits);

// "consistency": "local", "leader" or "linearizable".
Result<ReadConsistency> expect_consistency(const Place& place, JsonValue& value);

// "mode": "quorum" or "dual_write".
Result<ConsistencyMode> expect_mode(const Place& place, JsonValue& value);

// For a loop over an object's members: puts the value into `target`, or the error into `error`.
template <typename T, typename Target>
void store(Result<T> result, Target& target, std::optional<Error>& error) {
  if (result) {
    target = std::move(*result);
  } else {
    error = std::move(result.error());
  }
}

}  // namespace quorate
