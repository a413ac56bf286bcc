// What a store of keys and values keeps for a row of the table `account`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::bench {

inline constexpr std::size_t kKeyBytes = 24;  // "account/" and the id

std::string key_of(std::uint64_t id);

// As many bytes as the row has, and at least kKeyBytes. It begins with its key: so a read shows that it got the right one.
std::string value_of(std::uint64_t id, std::size_t row_bytes);

// RFC 4648, section 4.
std::string base64(std::string_view bytes);

}  // namespace quorate::bench
