// The digest of what a transaction changed, fed row by row while it runs. Two engines of one kind that are fed the same
// changes in the same order give the same digest; every field is tagged or length-prefixed, so no two different
// sequences of changes share their bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
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

  void add_tag(char tag);
  void add_null();
  void add_integer(std::int64_t value);
  void add_real(double value);
  void add_text(std::string_view value);
  void add_blob(std::string_view value);
  void add_value(const Value& value);
  void add_row(const Row& row);
  void add_digest(const Digest& digest);

  // The digest of everything fed since reset().
  Digest finish();

 private:
  struct Stream;  // xxHash's streaming state, used once the buffer has overflowed

  void add_bytes(const void* bytes, std::size_t size);
  void add_sized(char tag, std::string_view bytes);

  std::string buffer_;  // reused, so that small transactions are hashed without allocating
  std::unique_ptr<Stream> stream_;
  bool streaming_ = false;
};

}  // namespace quorate
