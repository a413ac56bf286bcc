// The clock that SQLite sees on Quorate's connections: a VFS named kVfsName, which is the platform's own but for the
// current time. Within a ScopedClock the time stands still at the transaction's clock; outside it is the real time.
#pragma once

#include <cstdint>

namespace quorate {

inline constexpr const char* kVfsName = "quorate";

// Registers the VFS and makes 'localtime' mean UTC in the whole process, so that it is the same on every node.
// Called before a connection is opened; does its work once, and throws std::runtime_error if SQLite refuses.
void prepare_sqlite();

// Stops this thread's clock at `clock_us` (Unix time) while it lives. Not nested.
class ScopedClock {
 public:
  explicit ScopedClock(std::int64_t clock_us);
  ~ScopedClock();
  ScopedClock(const ScopedClock&) = delete;
  ScopedClock& operator=(const ScopedClock&) = delete;
};

}  // namespace quorate
