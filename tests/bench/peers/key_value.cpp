#include "tests/bench/peers/key_value.hpp"

#include <algorithm>

#include "server/base64.hpp"
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
  std::string text;
  append_base64(text, bytes);
  return text;
}

}  // namespace quorate::bench
