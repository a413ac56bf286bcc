// 128-bit digests that prove replicas equal. Computed with XXH3-128 (xxHash specification).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Digest&) const = default;
};

// 32 lower-case hexadecimal digits.
std::string to_string(const Digest& digest);
// The inverse; anything else than 32 hexadecimal digits gives a zero digest.
Digest parse_digest(std::string_view text);

Digest digest_of(std::string_view bytes);

// The chain of design §3: D(i) = H(D(i-1), changes(i)).
Digest chain(const Digest& previous, const Digest& changes);

}  // namespace quorate
