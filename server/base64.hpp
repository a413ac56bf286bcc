// Base64 with the standard alphabet and padding (RFC 4648 §4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate {

void append_base64(std::string& out, std::string_view bytes);

// Strict: no white space, no missing or misplaced padding, no stray bits in the last character. Anything else
// gives nothing.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace quorate
