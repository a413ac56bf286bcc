// The digest of what a transaction changed, fed row by row while it runs. Two engines of one kind that are fed the same
// changes in the same order give the same digest; every field is tagged or length-prefixed, so no two different
// sequences of changes share their bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/digest.hpp"
#include "core/value.hpp"

namespace quorate {

class ChangeDigest {
 public:
  ChangeDigest();
  ~ChangeDigest();
  ChangeDigest(const ChangeDigest&) = delete;
  ChangeDigest& operator=(const ChangeDigest&) = delete;

  // Forgets everything fed so far.
  void reset();

  void add_tag(char tag) { add_bytes(&tag, 1); }
  void add_null() { add_tag('n'); }
  void add_integer(std::int64_t value) { add_number('i', value); }
  void add_real(double value) { add_number('r', value); }
  void add_text(std::string_view value) { add_sized('t', value); }
  void add_blob(std::string_view value) { add_sized('b', value); }
  void add_value(const Value& value);
  void add_row(const Row& row);
  void add_digest(const Digest& digest);

  // The digest of everything fed since reset().
  Digest finish();

 private:
  struct Stream;  // xxHash's streaming state, used once the buffer has overflowed

  static constexpr std::size_t kBufferBytes = 64UL * 1024;

  // Called for each value of each row that changes, so these are inline.
  void add_bytes(const void* bytes, std::size_t size) {
    if (size > kBufferBytes - buffered_) return stream_bytes(bytes, size);
    if (size != 0) std::memcpy(&buffer_[buffered_], bytes, size);
    buffered_ += size;
  }
  template <typename Number>
  void add_number(char tag, Number value) {
    std::array<char, 1 + sizeof(value)> field;
    field[0] = tag;
    std::memcpy(&field[1], &value, sizeof(value));
    add_bytes(field.data(), field.size());
  }
  void add_sized(char tag, std::string_view bytes) {
    add_number(tag, std::uint64_t{bytes.size()});
    add_bytes(bytes.data(), bytes.size());
  }
  void stream_bytes(const void* bytes, std::size_t size);

  std::unique_ptr<char[]> buffer_;  // reused, so that small transactions are hashed without allocating
  std::size_t buffered_ = 0;
  std::unique_ptr<Stream> stream_;
  bool streaming_ = false;
};

}  // namespace quorate
