// The bytes of messages between processes. The first byte is the format's version. Little-endian fixed-width
// integers, length-prefixed strings (core/bytes.hpp); a variant is its alternative's number and then the
// alternative.
//
// What is decoded may come from anywhere: no input can do more than fail. Counts and lengths are checked
// against what is left, enumerations, variants and node ids against what there is, and nothing may follow the
// message.
#pragma once

#include <string>
#include <string_view>

#include "core/transport.hpp"

namespace quorate {

inline constexpr std::uint8_t kWireVersion = 4;

// A Query's deadline does not travel. A membership travels as its text.
std::string encode(const Message& message);
Result<Message> decode_message(std::string_view bytes);  // error: corrupt

}  // namespace quorate
