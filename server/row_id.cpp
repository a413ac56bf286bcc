#include "server/row_id.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ranges>

#include "server/base64.hpp"
#include "server/request_target.hpp"

namespace quorate {

namespace {

constexpr std::string_view kBlobPrefix = "base64:";
constexpr std::string_view kTextPrefix = "text:";

template <typename Number>
std::string number_text(Number number) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

// The integer that is written exactly so, or nothing.
std::optional<std::int64_t> canonical_integer(std::string_view text) {
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number_text(integer) != text) return std::nullopt;
  return integer;
}

Result<Value> parse_part(std::string_view encoded) {
  if (encoded.starts_with(kBlobPrefix)) {
    std::optional<std::string> bytes = decode_base64(percent_decoded(encoded.substr(kBlobPrefix.size())));
    if (bytes) return Value(Blob{std::move(*bytes)});
    return fail(
        ErrorCode::malformed_request,
        "The row's id in the path has bad base64: it must have the standard alphabet and padding, and be "
        "percent-encoded.");
  }
  if (encoded.starts_with(kTextPrefix)) return Value(percent_decoded(encoded.substr(kTextPrefix.size())));
  if (const auto integer = canonical_integer(encoded)) return Value(*integer);
  return Value(percent_decoded(encoded));
}

// A segment of a path cannot be empty, and clients take "." and ".." out of a path.
bool needs_prefix(std::string_view text) {
  return text.empty() || text == "." || text == ".." || canonical_integer(text);
}

bool append_part(std::string& out, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += number_text(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (!std::isfinite(*real)) return false;
    append_percent_encoded(out, number_text(*real));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    if (needs_prefix(*text)) out += kTextPrefix;
    append_percent_encoded(out, *text);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    std::string base64;
    append_base64(base64, blob->bytes);
    out += kBlobPrefix;
    append_percent_encoded(out, base64);
  } else {
    return false;
  }
  return true;
}

std::optional<std::string> key_text(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return number_text(*integer);
  if (const auto* real = std::get_if<double>(&value)) return number_text(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return std::nullopt;
}

}  // namespace

Result<Row> parse_row_id(std::string_view encoded, std::size_t parts) {
  const auto found = static_cast<std::size_t>(std::ranges::count(encoded, ',')) + 1;
  if (found != parts) {
    return fail(ErrorCode::malformed_request, "The row's id in the path has " + std::to_string(found) +
                                                  (found == 1 ? " part" : " parts") +
                                                  ", and the table's key has " + std::to_string(parts) +
                                                  ". A comma inside of a part is written %2C.");
  }
  Row key;
  for (const auto part : std::views::split(encoded, ',')) {
    Result<Value> value = parse_part(std::string_view(part.begin(), part.end()));
    if (!value) return std::unexpected(std::move(value.error()));
    key.push_back(std::move(*value));
  }
  return key;
}

std::optional<std::string> format_row_id(const Row& key) {
  std::string id;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i != 0) id += ',';
    if (!append_part(id, key[i])) return std::nullopt;
  }
  return id;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
}

bool is_same_key(const Value& left, const Value& right) {
  if (left == right) return true;
  const std::optional<std::string> text = key_text(left);
  return text && text == key_text(right);
}

}  // namespace quorate
