// Keeps SQLite's write-ahead log durable on demand, and bounded. One instance for the writer's connection, of its thread.
#pragma once

#include <future>
#include <optional>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/paced_writeback.hpp"
#include "engines/sqlite/connection.hpp"

namespace quorate {

class WriteAheadLog {
 public:
  // From here on SQLite checkpoints only when asked to.
  explicit WriteAheadLog(Connection& connection);
  WriteAheadLog(const WriteAheadLog&) = delete;
  WriteAheadLog& operator=(const WriteAheadLog&) = delete;

  // Makes all commits durable: the log itself is synced, so that no reader can stand in the way.
  Result<void> sync();

  // Copies the log into the database file as far as readers allow, without waiting for them.
  Result<void> checkpoint();

  // To be called after each commit. What commits have added goes to the disk bit by bit, so that a checkpoint's fsync, which
  // others' would wait for, finds little to do. Once the log is long enough, has it copied into the database file by another
  // thread, while commits go on; again if they have added as much meanwhile. Then it copies the little that is left, so that
  // the log can be started over. A reader that stays long keeps it from that, so past a limit this waits for the readers for
  // a moment, once per some growth; and for the copying, should the disk be slower than the commits.
  Result<void> tend();

  // Copies everything and empties the log. Errors: io_error when a reader is in the way.
  Result<void> empty();

 private:
  void start_writing();
  static int on_commit(void* self, sqlite3* database, const char* schema, int pages);
  Result<void> run(int mode);
  Result<int> wait_for_copying();
  Result<void> start_over_if_readers_allow();
  Result<void> copy_here(int mode);

  Connection& connection_;
  std::future<Result<int>> copying_;  // valid: under way, or its result has not been taken
  int pages_ = 0;                     // in the log, as of the last commit
  int copied_ = 0;                    // of them, by other threads
  const std::uint64_t frame_bytes_;   // of a page in the log
  std::optional<File> file_;          // since the first commit
  PacedWriteback writeback_;
  int checkpoint_at_;
  int restart_at_;
};

}  // namespace quorate
