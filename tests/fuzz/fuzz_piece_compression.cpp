// Any bytes as a compressed piece of a snapshot: refused as corrupt, or no more than was asked for.
#include <cstdint>
#include <cstdlib>

#include "core/piece_compression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxBytes = 64UL * 1024;
  const auto piece = quorate::decompress_piece({reinterpret_cast<const char*>(data), size}, kMaxBytes);
  if (!piece && piece.error().code != quorate::ErrorCode::corrupt) std::abort();
  if (piece && piece->size() > kMaxBytes) std::abort();
  return 0;
}
