#include "tests/bench/peers/key_value.hpp"

#include <algorithm>

#include "tests/bench/workloads.hpp"

namespace quorate::bench {

std::string key_of(std::uint64_t id) {
  return "account/" + std::to_string(id);
}

std::string value_of(std::uint64_t id, std::size_t row_bytes) {
  const std::size_t text_bytes = std::max(row_bytes, kKeyBytes) - kKeyBytes;
  return key_of(id) + row_text(kNumbersBytes + text_bytes);
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t place = 0; place < 3; ++place) {
      bits = bits << 8 | (place < group.size() ? static_cast<unsigned char>(group[place]) : 0U);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      text += digit <= group.size() ? kDigits[bits >> (18 - 6 * digit) & 63] : '=';
    }
  }
  return text;
}

}  // namespace quorate::bench
