#include "engines/sqlite/write_ahead_log.hpp"

#include <sqlite3.h>

#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {
namespace {

constexpr int kCheckpointPages = 4'000;  // 16 MiB of 4 KiB pages
constexpr int kRestartPages = 16'000;    // 64 MiB
constexpr int kRestartBusyTimeoutMs = 100;
constexpr int kBusyTimeoutMs = 2'000;

}  // namespace

WriteAheadLog::WriteAheadLog(Connection& connection)
    : connection_(connection), checkpoint_at_(kCheckpointPages), restart_at_(kRestartPages) {
  sqlite3_wal_hook(connection.handle(), &WriteAheadLog::on_commit, this);
}

int WriteAheadLog::on_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<WriteAheadLog*>(self)->pages_ = pages;
  return SQLITE_OK;
}

Result<void> WriteAheadLog::sync() {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(connection_.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  // Without an open log there is nothing that a checkpoint has not made durable.
  if (log == nullptr || log->pMethods == nullptr) return checkpoint();
  const int code = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
  if (code == SQLITE_OK) return {};
  return fail(ErrorCode::io_error, "The database's write-ahead log cannot be made durable.");
}

Result<void> WriteAheadLog::run(int mode) {
  const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), "main", mode, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return std::unexpected(last_error(connection_.handle()));
}

Result<void> WriteAheadLog::checkpoint() {
  return run(SQLITE_CHECKPOINT_PASSIVE);
}

Result<void> WriteAheadLog::empty() {
  return run(SQLITE_CHECKPOINT_TRUNCATE);
}

// What is committed is safe in the log, so a database file that cannot grow is no failure yet.
Result<void> WriteAheadLog::forgive_full_disk(int code) {
  if (code == SQLITE_OK || code == SQLITE_FULL) return {};
  return std::unexpected(last_error(connection_.handle()));
}

Result<void> WriteAheadLog::tend() {
  if (pages_ < kCheckpointPages) {
    checkpoint_at_ = kCheckpointPages;
    restart_at_ = kRestartPages;
  }
  if (pages_ >= restart_at_) {
    restart_at_ = pages_ + kCheckpointPages;
    checkpoint_at_ = pages_ + kCheckpointPages;
    sqlite3_busy_timeout(connection_.handle(), kRestartBusyTimeoutMs);
    const int code =
        sqlite3_wal_checkpoint_v2(connection_.handle(), "main", SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
    sqlite3_busy_timeout(connection_.handle(), kBusyTimeoutMs);
    return code == SQLITE_BUSY ? Result<void>() : forgive_full_disk(code);
  }
  if (pages_ < checkpoint_at_) return {};
  checkpoint_at_ = pages_ + kCheckpointPages;
  return forgive_full_disk(
      sqlite3_wal_checkpoint_v2(connection_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
}

}  // namespace quorate
