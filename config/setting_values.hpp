// How the texts of settings become values. The error says what a right text looks like.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace quorate {

template <typename T>
using Parsed = std::expected<T, std::string>;

// A whole number from `low` to `high`.
Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t low, std::uint64_t high);

// A number of bytes from 1, with or without one of the units KiB, MiB and GiB.
Parsed<std::size_t> parse_bytes(std::string_view text);
std::string bytes_text(std::size_t bytes);  // the shortest form that parse_bytes() takes

// A number of milliseconds from 1 to one day.
Parsed<std::chrono::milliseconds> parse_milliseconds(std::string_view text);

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};

// "127.0.0.1:8080", "localhost:8080", "[::1]:8080", ":8080" (all addresses).
Parsed<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace quorate
