// Reads JSON (RFC 8259) strictly: what a client meant is kept exactly, or refused.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/error.hpp"
#include "server/json_value.hpp"

namespace quorate {

struct JsonLimits {
  std::size_t depth = 64;          // nested arrays and objects
  std::size_t values = 2'000'000;  // in the whole document
};

// Errors. malformed_request: not JSON, not UTF-8, an integer that does not fit 64 bits with sign, a number
// too large for a double, a name given twice in one object. limit_exceeded: nested too deep, too many values.
// The message says where or what.
Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits);

}  // namespace quorate
