#include "engines/common/change_digest.hpp"

#include <xxhash.h>

#include <new>
#include <type_traits>

namespace quorate {

struct ChangeDigest::Stream {
  Stream() : state(XXH3_createState()) {
    if (state == nullptr) throw std::bad_alloc();
  }
  ~Stream() { XXH3_freeState(state); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  XXH3_state_t* state;
};

ChangeDigest::ChangeDigest() : buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}
ChangeDigest::~ChangeDigest() = default;

void ChangeDigest::reset() {
  buffered_ = 0;
  streaming_ = false;
}

// What does not fit into the buffer, behind what is there.
void ChangeDigest::stream_bytes(const void* bytes, std::size_t size) {
  if (!streaming_) {
    if (!stream_) stream_ = std::make_unique<Stream>();
    XXH3_128bits_reset(stream_->state);
    streaming_ = true;
  }
  XXH3_128bits_update(stream_->state, buffer_.get(), buffered_);
  XXH3_128bits_update(stream_->state, bytes, size);
  buffered_ = 0;
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
  if (!streaming_) return digest_of({buffer_.get(), buffered_});
  XXH3_128bits_update(stream_->state, buffer_.get(), buffered_);
  buffered_ = 0;
  const XXH128_hash_t hash = XXH3_128bits_digest(stream_->state);
  return {hash.high64, hash.low64};
}

}  // namespace quorate
