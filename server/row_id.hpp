// How the path of a URL names a row: by the values of its primary key in key order, or by its row id where the table
// declares no key. The parts stand between commas, each percent-encoded, so that a comma inside of one is %2C.
//
//   42              the integer 42 (64 bits with sign, no leading zeros); a column of text finds "42" by it as well
//   a%2Fb           any other part is text
//   text:42         the text "42", for columns that tell it from the integer; also for the empty text, "." and ".."
//   base64:AAE%3D   a BLOB
//
// The colon of a prefix is not percent-encoded; one that is belongs to the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/value.hpp"

namespace quorate {

// `encoded` is a segment of a path whose escapes are known to be valid. Error: malformed_request, for another number of
// parts than `parts` or bad base64.
Result<Row> parse_row_id(std::string_view encoded, std::size_t parts);

// The inverse; nothing for a key that has no such form: with NULL or an infinity in it.
std::optional<std::string> format_row_id(const Row& key);

// Percent-encodes all but the characters that never need it (RFC 3986 §2.3).
void append_percent_encoded(std::string& out, std::string_view text);

// True when both name the same row: the integer 5, the real 5.0 and the text "5" do, as columns with a type take one for
// the other.
bool is_same_key(const Value& left, const Value& right);

}  // namespace quorate
