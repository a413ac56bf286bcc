#include "engines/sqlite/transaction_clock.hpp"

#include <sqlite3.h>

#include <cstdlib>
#include <ctime>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace quorate {
namespace {

constexpr sqlite3_int64 kJulianEpochMs = 210'866'760'000'000;  // from SQLite's day 0 to 1970-01-01
constexpr double kMsPerDay = 86'400'000.0;
constexpr int kSavepointSpillBytes = 16 * 1024 * 1024;

thread_local std::optional<std::int64_t> stopped_clock_us;

// Rounds down also before 1970.
sqlite3_int64 milliseconds_of(std::int64_t clock_us) {
  return clock_us / 1000 - (clock_us % 1000 < 0 ? 1 : 0);
}

int current_time_ms(sqlite3_vfs*, sqlite3_int64* out) {
  if (stopped_clock_us) {
    *out = kJulianEpochMs + milliseconds_of(*stopped_clock_us);
    return SQLITE_OK;
  }
  sqlite3_vfs* const platform = sqlite3_vfs_find(nullptr);
  return platform->xCurrentTimeInt64(platform, out);
}

int current_time_days(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 milliseconds = 0;
  const int code = current_time_ms(vfs, &milliseconds);
  *out = static_cast<double>(milliseconds) / kMsPerDay;
  return code;
}

void prepare_once() {
  // These two only make SQLite faster, and are only possible before it is first used: savepoints keep what they may
  // have to undo in memory, not in a temporary file; memory statistics would cost every allocation a common lock.
  sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, kSavepointSpillBytes);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  setenv("TZ", "UTC0", 1);
  tzset();
  const sqlite3_vfs* const platform = sqlite3_vfs_find(nullptr);
  if (platform == nullptr || platform->iVersion < 2)
    throw std::runtime_error("SQLite has no usable default VFS.");
  static sqlite3_vfs vfs = *platform;
  vfs.pNext = nullptr;
  vfs.zName = kVfsName;
  vfs.xCurrentTime = current_time_days;
  vfs.xCurrentTimeInt64 = current_time_ms;
  if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) throw std::runtime_error("SQLite refuses the quorate VFS.");
}

}  // namespace

void prepare_sqlite() {
  static std::once_flag once;
  std::call_once(once, prepare_once);
}

ScopedClock::ScopedClock(std::int64_t clock_us) {
  stopped_clock_us = clock_us;
}
ScopedClock::~ScopedClock() {
  stopped_clock_us.reset();
}

}  // namespace quorate
