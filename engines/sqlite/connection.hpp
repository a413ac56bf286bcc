// One SQLite connection as Quorate uses it: opened on the quorate VFS without SQLite's own mutex (a connection belongs
// to one thread at a time), in WAL mode, with an authorizer, foreign keys on, and statements bounded in time.
#pragma once

#include <SQLiteCpp/Database.h>

#include <atomic>
#include <chrono>
#include <filesystem>

#include "core/query.hpp"
#include "engines/sqlite/authorizer.hpp"

namespace quorate {

// The longest TEXT or BLOB. The same on every node, as it decides what succeeds.
inline constexpr int kMaxValueBytes = 64 * 1024 * 1024;

class Connection {
 public:
  enum class Access {
    write,  // creates the file if absent
    read,   // can change nothing
  };

  // Throws SQLite::Exception.
  Connection(const std::filesystem::path& file, Access access);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SQLite::Database& database() { return database_; }
  sqlite3* handle() { return database_.getHandle(); }
  Authorizer& authorizer() { return authorizer_; }

  // Any thread. From now on, whatever runs on the connection is interrupted.
  void cancel() noexcept { cancelled_ = true; }

  // While it lives, what runs on the connection is interrupted at the deadline.
  class TimeLimit {
   public:
    TimeLimit(Connection& connection, Deadline deadline) : connection_(connection) {
      connection_.deadline_ = deadline;
    }
    ~TimeLimit() { connection_.deadline_ = Deadline::max(); }
    TimeLimit(const TimeLimit&) = delete;
    TimeLimit& operator=(const TimeLimit&) = delete;

   private:
    Connection& connection_;
  };

 private:
  void configure_writer();
  void configure_reader();
  static int check_deadline(void* self);

  SQLite::Database database_;
  Authorizer authorizer_;
  Deadline deadline_ = Deadline::max();
  std::atomic<bool> cancelled_ = false;
};

}  // namespace quorate
