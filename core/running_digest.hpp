// The digest of bytes that come piece by piece: that of digest_of() over all of them.
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <new>

#include "core/digest.hpp"

namespace quorate {

class RunningDigest {
 public:
  RunningDigest() : state_(XXH3_createState(), XXH3_freeState) {
    if (!state_) throw std::bad_alloc();
    reset();
  }
  void reset() {
    XXH3_128bits_reset(state_.get());
    size_ = 0;
  }
  void add(const char* bytes, std::size_t size) {
    XXH3_128bits_update(state_.get(), bytes, size);
    size_ += size;
  }
  std::uint64_t size() const { return size_; }
  Digest digest() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return Digest{hash.high64, hash.low64};
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
  std::uint64_t size_ = 0;
};

}  // namespace quorate
