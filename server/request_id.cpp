#include "server/request_id.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>

#include "core/random_number.hpp"

namespace quorate {

namespace {

constexpr std::size_t kMaxGivenSize = 128;

}  // namespace

bool is_request_id(std::string_view text) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  return !text.empty() && text.size() <= kMaxGivenSize && std::ranges::all_of(text, is_visible);
}

std::string choose_request_id(std::string_view given) {
  if (is_request_id(given)) return std::string(given);
  static std::atomic<std::uint64_t> next{random_number()};
  std::array<char, 16> digits;
  const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return std::string(digits.data(), end);
}

}  // namespace quorate
