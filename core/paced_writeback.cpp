#include "core/paced_writeback.hpp"

#include <fcntl.h>

namespace quorate {
namespace {

constexpr std::uint64_t kPageBytes = 4'096;  // of the system's memory

}  // namespace

void PacedWriteback::wrote(int descriptor, std::uint64_t end) {
  end -= end % kPageBytes;  // who writes to a page that is on its way to the disk waits for it
  if (end < started_) finished_ = started_ = 0;
  if (end - started_ < step_bytes_) return;
  // A failure shows with the fsync.
  const auto range = [&](std::uint64_t from, std::uint64_t to, unsigned flags) {
    ::sync_file_range(descriptor, static_cast<off_t>(from), static_cast<off_t>(to - from), flags);
  };
  range(started_, end, SYNC_FILE_RANGE_WRITE);
  if (started_ > finished_) range(finished_, started_, SYNC_FILE_RANGE_WAIT_BEFORE);
  finished_ = started_;
  started_ = end;
}

}  // namespace quorate
