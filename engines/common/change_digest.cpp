#include "engines/common/change_digest.hpp"

#include <xxhash.h>

#include <new>
#include <type_traits>

namespace quorate {
namespace {

constexpr std::size_t kBufferBytes = 64UL * 1024;

}  // namespace

struct ChangeDigest::Stream {
  Stream() : state(XXH3_createState()) {
    if (state == nullptr) throw std::bad_alloc();
  }
  ~Stream() { XXH3_freeState(state); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  XXH3_state_t* state;
};

ChangeDigest::ChangeDigest() {
  buffer_.reserve(kBufferBytes);
}
ChangeDigest::~ChangeDigest() = default;

void ChangeDigest::reset() {
  buffer_.clear();
  streaming_ = false;
}

void ChangeDigest::add_bytes(const void* bytes, std::size_t size) {
  if (buffer_.size() + size <= kBufferBytes) {
    buffer_.append(static_cast<const char*>(bytes), size);
    return;
  }
  if (!streaming_) {
    if (!stream_) stream_ = std::make_unique<Stream>();
    XXH3_128bits_reset(stream_->state);
    streaming_ = true;
  }
  XXH3_128bits_update(stream_->state, buffer_.data(), buffer_.size());
  XXH3_128bits_update(stream_->state, bytes, size);
  buffer_.clear();
}

void ChangeDigest::add_tag(char tag) {
  add_bytes(&tag, 1);
}

void ChangeDigest::add_sized(char tag, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  add_tag(tag);
  add_bytes(&size, sizeof(size));
  add_bytes(bytes.data(), bytes.size());
}

void ChangeDigest::add_null() {
  add_tag('n');
}

void ChangeDigest::add_integer(std::int64_t value) {
  add_tag('i');
  add_bytes(&value, sizeof(value));
}

void ChangeDigest::add_real(double value) {
  add_tag('r');
  add_bytes(&value, sizeof(value));
}

void ChangeDigest::add_text(std::string_view value) {
  add_sized('t', value);
}
void ChangeDigest::add_blob(std::string_view value) {
  add_sized('b', value);
}

void ChangeDigest::add_value(const Value& value) {
  std::visit(
      [this](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, Null>) add_null();
        if constexpr (std::is_same_v<Held, std::int64_t>) add_integer(held);
        if constexpr (std::is_same_v<Held, double>) add_real(held);
        if constexpr (std::is_same_v<Held, std::string>) add_text(held);
        if constexpr (std::is_same_v<Held, Blob>) add_blob(held.bytes);
      },
      value);
}

void ChangeDigest::add_row(const Row& row) {
  add_integer(static_cast<std::int64_t>(row.size()));
  for (const Value& value : row) add_value(value);
}

void ChangeDigest::add_digest(const Digest& digest) {
  add_tag('d');
  add_bytes(&digest.high, sizeof(digest.high));
  add_bytes(&digest.low, sizeof(digest.low));
}

Digest ChangeDigest::finish() {
  if (!streaming_) return digest_of(buffer_);
  XXH3_128bits_update(stream_->state, buffer_.data(), buffer_.size());
  buffer_.clear();
  const XXH128_hash_t hash = XXH3_128bits_digest(stream_->state);
  return {hash.high64, hash.low64};
}

}  // namespace quorate
