#include "engines/sqlite/write_ahead_log.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {
namespace {

constexpr int kCheckpointPages = 2'000;  // 8 MiB; what reaches the disk at once keeps commits waiting
constexpr int kRestartPages = 16'000;    // 64 MiB
constexpr std::uint64_t kWritebackBytes = 256UL * 1024;
constexpr std::uint64_t kFrameHeadBytes = 24;
constexpr int kRestartBusyTimeoutMs = 100;
constexpr int kBusyTimeoutMs = 2'000;

// Returns how many pages of the log are in the database file now. What is committed is safe in the log, so a database file
// that cannot grow is no failure yet; nor is it one that another checkpoint is under way.
Result<int> checkpoint_if_possible(sqlite3* database, int mode) {
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(database, "main", mode, nullptr, &copied);
  if (code == SQLITE_OK) return copied;
  if (code == SQLITE_FULL || code == SQLITE_BUSY) return 0;
  return std::unexpected(last_error(database));
}

// Twice, for what is committed during the first time is much. Without a connection (there may be too many open files)
// nothing is copied now.
Result<int> copy_log(const std::filesystem::path& file) {
  pthread_setname_np(pthread_self(), "checkpoint");
  std::unique_ptr<Connection> connection;
  const Result<void> opened = guarded([&]() -> Result<void> {
    connection = std::make_unique<Connection>(file, Connection::Access::write);
    return {};
  });
  if (!opened) return 0;
  Result<int> copied = checkpoint_if_possible(connection->handle(), SQLITE_CHECKPOINT_PASSIVE);
  if (copied) copied = checkpoint_if_possible(connection->handle(), SQLITE_CHECKPOINT_PASSIVE);
  return copied;
}

}  // namespace

WriteAheadLog::WriteAheadLog(Connection& connection)
    : connection_(connection),
      frame_bytes_(kFrameHeadBytes + connection.database().execAndGet("PRAGMA page_size").getInt64()),
      writeback_(kWritebackBytes),
      checkpoint_at_(kCheckpointPages),
      restart_at_(kRestartPages) {
  sqlite3_wal_hook(connection.handle(), &WriteAheadLog::on_commit, this);
}

int WriteAheadLog::on_commit(void* self, sqlite3*, const char*, int pages) {
  WriteAheadLog& log = *static_cast<WriteAheadLog*>(self);
  if (pages <= log.pages_) {  // it has been started over
    log.copied_ = 0;
    log.checkpoint_at_ = kCheckpointPages;
    log.restart_at_ = kRestartPages;
  }
  log.pages_ = pages;
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
  if (auto copied = wait_for_copying(); !copied) return std::unexpected(copied.error());
  return run(SQLITE_CHECKPOINT_TRUNCATE);
}

Result<int> WriteAheadLog::wait_for_copying() {
  if (!copying_.valid()) return 0;
  return copying_.get();
}

Result<void> WriteAheadLog::start_over_if_readers_allow() {
  sqlite3_busy_timeout(connection_.handle(), kRestartBusyTimeoutMs);
  const Result<void> done = copy_here(SQLITE_CHECKPOINT_RESTART);
  sqlite3_busy_timeout(connection_.handle(), kBusyTimeoutMs);
  return done;
}

Result<void> WriteAheadLog::copy_here(int mode) {
  checkpoint_at_ = pages_ + kCheckpointPages;
  const Result<int> copied = checkpoint_if_possible(connection_.handle(), mode);
  if (!copied) return std::unexpected(copied.error());
  return {};
}

// The disk's failures show with the next checkpoint. Without a file (there may be too many open ones) nothing is started.
void WriteAheadLog::start_writing() {
  if (!file_)
    file_.emplace(sqlite3_filename_wal(sqlite3_db_filename(connection_.handle(), "main")), O_RDONLY);
  writeback_.wrote(file_->descriptor(), static_cast<std::uint64_t>(pages_) * frame_bytes_);
}

Result<void> WriteAheadLog::tend() {
  start_writing();
  if (pages_ >= restart_at_) {
    if (auto copied = wait_for_copying(); !copied) return std::unexpected(copied.error());
    restart_at_ = pages_ + kCheckpointPages;
    return start_over_if_readers_allow();
  }
  if (copying_.valid()) {
    if (copying_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    const Result<int> copied = wait_for_copying();
    if (!copied) return std::unexpected(copied.error());
    const bool is_much_left = pages_ - *copied >= kCheckpointPages;
    const bool can_be_copied = *copied > std::exchange(copied_, *copied);  // else a reader is in the way
    if (!is_much_left || !can_be_copied) return copy_here(SQLITE_CHECKPOINT_PASSIVE);
  } else if (pages_ < checkpoint_at_) {
    return {};
  }
  copying_ = std::async(std::launch::async, copy_log,
                        std::filesystem::path(sqlite3_db_filename(connection_.handle(), "main")));
  return {};
}

}  // namespace quorate
