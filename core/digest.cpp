#include "core/digest.hpp"

#include <xxhash.h>

#include <array>
#include <charconv>

namespace quorate {

std::string to_string(const Digest& digest) {
  std::string text(32, '0');
  auto digit = text.begin();
  for (const std::uint64_t half : {digest.high, digest.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) *digit++ = "0123456789abcdef"[(half >> shift) & 0xf];
  }
  return text;
}

Digest parse_digest(std::string_view text) {
  Digest digest;
  if (text.size() != 32) return {};
  const auto parse = [](std::string_view part, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out, 16);
    return error == std::errc{} && end == part.data() + part.size();
  };
  if (!parse(text.substr(0, 16), digest.high) || !parse(text.substr(16), digest.low)) return {};
  return digest;
}

Digest digest_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Digest chain(const Digest& previous, const Digest& changes) {
  const std::array<std::uint64_t, 4> words{previous.high, previous.low, changes.high, changes.low};
  return digest_of({reinterpret_cast<const char*>(words.data()), sizeof(words)});
}

}  // namespace quorate
