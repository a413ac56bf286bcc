// Keeps what has been written to a large file and is not on the disk yet small. Left alone, the system gathers gigabytes,
// and then the log's next fsync waits behind all of them.
#pragma once

#include <cstdint>

namespace quorate {

class PacedWriteback {
 public:
  // The file has been written up to `end`. From time to time this starts the writing to the disk of what is new, and blocks
  // until the disk has taken what was started before. It makes nothing durable: that takes an fsync at the end.
  void wrote(int descriptor, std::uint64_t end);

 private:
  std::uint64_t finished_ = 0;
  std::uint64_t started_ = 0;
};

}  // namespace quorate
