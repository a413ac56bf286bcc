// 64 random bits of the operating system, for names that nobody else may ever draw. Any thread.
#pragma once

#include <cstdint>
#include <random>

namespace quorate {

inline std::uint64_t random_number() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

}  // namespace quorate
