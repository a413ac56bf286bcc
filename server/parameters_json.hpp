// Reads SQL parameters from JSON: the inverse of append_json_value().
#pragma once

#include <string_view>

#include "core/cluster_config.hpp"
#include "core/error.hpp"
#include "core/value.hpp"
#include "server/json_value.hpp"
#include "server/place.hpp"

namespace quorate {

// What is said of a value that is none of those.
inline constexpr std::string_view kParameterForms =
    "must be null, a boolean, a number, a string, {\"base64\":\"...\"} for a BLOB, {\"integer\":\"...\"} or "
    "{\"real\":\"Infinity\"}.";

// One value. Takes everything that append_json_value() writes, true and false (as 1 and 0), and
// {"integer":"..."} for clients without 64-bit integers. Any other array or object is refused:
// malformed_request.
Result<Value> decode_value(const Place& place, JsonValue& value);

// "params": an array, an object by name, or null for none. Errors: also limit_exceeded.
Result<Parameters> decode_parameters(const Place& place, JsonValue& value, const CoreLimits& limits);

}  // namespace quorate
