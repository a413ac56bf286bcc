#include "config/setting_values.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace quorate {

namespace {

constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kUnits{
    {{"GiB", 1UL << 30}, {"MiB", 1UL << 20}, {"KiB", 1UL << 10}}};

}  // namespace

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return std::unexpected("must be a whole number from " + std::to_string(low) + " to " +
                           std::to_string(high));
  }
  return number;
}

Parsed<std::size_t> parse_bytes(std::string_view text) {
  std::size_t unit = 1;
  for (const auto& [suffix, size] : kUnits) {
    if (text.ends_with(suffix)) {
      unit = size;
      text.remove_suffix(suffix.size());
      if (text.ends_with(' ')) text.remove_suffix(1);
      break;
    }
  }
  const Parsed<std::uint64_t> number = parse_number(text, 1, std::numeric_limits<std::int64_t>::max() / unit);
  if (!number) return std::unexpected("must be a number of bytes, such as 65536, 64KiB or 16MiB");
  return *number * unit;
}

std::string bytes_text(std::size_t bytes) {
  for (const auto& [suffix, size] : kUnits) {
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + std::string(suffix);
  }
  return std::to_string(bytes);
}

Parsed<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
  constexpr std::uint64_t kYear = 365UL * 24 * 60 * 60 * 1000;
  const Parsed<std::uint64_t> number = parse_number(text, 1, kYear);
  if (!number) return std::unexpected("must be a number of milliseconds from 1 to " + std::to_string(kYear));
  return std::chrono::milliseconds(*number);
}

Parsed<ListenAddress> parse_listen_address(std::string_view text) {
  const std::string wanted = "must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(wanted);
  const Parsed<std::uint64_t> port = parse_number(text.substr(colon + 1), 0, 65'535);
  if (!port) return std::unexpected(wanted);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return std::unexpected(wanted);
  }
  return ListenAddress{.host = std::string(host.empty() ? "0.0.0.0" : host),
                       .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace quorate
