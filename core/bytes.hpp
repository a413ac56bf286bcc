// Fields as bytes, for log entries and messages: little-endian fixed-width integers, length-prefixed strings. No input can
// do more to a Decoder than make it fail: every length is checked against what is left.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/value.hpp"

namespace quorate {

static_assert(std::endian::native == std::endian::little, "the byte order of logs and messages");

class Encoder {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  void put(const Value& value) {
    put(static_cast<std::uint8_t>(value.index()));
    if (const auto* integer = std::get_if<std::int64_t>(&value)) put(*integer);
    if (const auto* real = std::get_if<double>(&value)) put(*real);
    if (const auto* text = std::get_if<std::string>(&value)) put(std::string_view(*text));
    if (const auto* blob = std::get_if<Blob>(&value)) put(std::string_view(blob->bytes));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first failure everything reads as zero; ask failed() at the end.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  T get() {
    T value{};
    if (!need(sizeof(T))) return value;
    rest_.copy(reinterpret_cast<char*>(&value), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  bool get_bool() {
    const auto value = get<std::uint8_t>();
    if (value > 1) refuse();
    return value == 1;
  }
  std::string get_string() {
    const auto size = get<std::uint32_t>();
    if (!need(size)) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  // A count of items of at least `item_bytes` each: never more than can be there.
  std::uint32_t get_count(std::size_t item_bytes) {
    const auto count = get<std::uint32_t>();
    return need(count * item_bytes) ? count : 0;
  }
  Value get_value() {
    switch (get<std::uint8_t>()) {
      case 0: return Null{};
      case 1: return get<std::int64_t>();
      case 2: return get<double>();
      case 3: return get_string();
      case 4: return Blob{get_string()};
      default: refuse(); return Null{};
    }
  }
  // What was read is not what it may be.
  void refuse() { failed_ = true; }
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  bool need(std::size_t size) {
    if (rest_.size() < size) failed_ = true;
    return !failed_;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace quorate
