// Writes JSON straight into a string, without a tree in between: results can be large and writing them is the
// hot path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.hpp"

namespace quorate {

// How 64-bit integers are written: as numbers, or as strings for clients that would lose digits.
enum class IntegerStyle { number, string };

// A JSON string. Bytes that are not UTF-8 become U+FFFD; for messages and names, not for data.
void append_json_string(std::string& out, std::string_view text);
// The same without loss: returns false and leaves `out` alone when the text is not UTF-8.
bool try_append_json_string(std::string& out, std::string_view text);

void append_json_integer(std::string& out, std::int64_t value, IntegerStyle style = IntegerStyle::number);
void append_json_integer(std::string& out, std::uint64_t value);

// An SQL value. NULL: null. Integers: exact. Reals: the shortest digits that give the same double again,
// always with a point or an exponent; infinities are {"real":"Infinity"} and {"real":"-Infinity"}. Text: a
// string, or, when its bytes are not UTF-8, {"base64":"...","text":true}. BLOBs: {"base64":"..."}.
// decode_value() takes all of them back.
void append_json_value(std::string& out, const Value& value, IntegerStyle style);

// ["a","b"]
void append_json_strings(std::string& out, const std::vector<std::string>& texts);

}  // namespace quorate
