// Keeps what has been written to a large file and is not on the disk yet small. Left alone, the system gathers gigabytes,
// and then the log's next fsync waits behind all of them. One file after the other, of one thread.
#pragma once

#include <cstdint>

namespace quorate {

class PacedWriteback {
 public:
  static constexpr std::uint64_t kCopyStepBytes = 8UL * 1024 * 1024;  // for a file that is written in one go

  explicit PacedWriteback(std::uint64_t step_bytes = kCopyStepBytes) : step_bytes_(step_bytes) {}

  // The file has been written up to `end`; less than before: from its beginning again. After each step this starts the
  // writing to the disk of what is new, and blocks until the disk has taken what was started before. It makes nothing
  // durable: that takes an fsync at the end.
  void wrote(int descriptor, std::uint64_t end);

 private:
  const std::uint64_t step_bytes_;
  std::uint64_t finished_ = 0;
  std::uint64_t started_ = 0;
};

}  // namespace quorate
