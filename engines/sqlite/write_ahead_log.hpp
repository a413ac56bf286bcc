// Keeps SQLite's write-ahead log durable on demand, and bounded. One instance for the writer's connection.
#pragma once

#include "core/error.hpp"
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

  // To be called after each commit: checkpoints once the log is long enough. A reader that stays long keeps the log
  // from being started over, so past a limit this waits for the readers for a moment, once per some growth.
  Result<void> tend();

  // Copies everything and empties the log. Errors: io_error when a reader is in the way.
  Result<void> empty();

 private:
  static int on_commit(void* self, sqlite3* database, const char* schema, int pages);
  Result<void> run(int mode);
  Result<void> forgive_full_disk(int code);

  Connection& connection_;
  int pages_ = 0;  // in the log, as of the last commit
  int checkpoint_at_;
  int restart_at_;
};

}  // namespace quorate
