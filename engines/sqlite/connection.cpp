#include "engines/sqlite/connection.hpp"

#include <sqlite3.h>

#include <string>

#include "engines/sqlite/transaction_clock.hpp"

namespace quorate {
namespace {

constexpr int kBusyTimeoutMs = 2'000;
constexpr int kInstructionsBetweenClockChecks = 2'000;  // some tens of microseconds

std::string path_of(const std::filesystem::path& file) {
  prepare_sqlite();
  // Absolute, so that no path is taken for a "file:" URI or for ":memory:".
  return std::filesystem::absolute(file).string();
}

int flags_of(Connection::Access access) {
  const int open =
      access == Connection::Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  return open | SQLITE_OPEN_NOMUTEX;
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, Access access)
    : database_(path_of(file), flags_of(access), kBusyTimeoutMs, kVfsName),
      authorizer_(handle(), access == Access::read ? Authorizer::Role::reader : Authorizer::Role::writer) {
  sqlite3_extended_result_codes(handle(), 1);
  sqlite3_limit(handle(), SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(handle(), SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_progress_handler(handle(), kInstructionsBetweenClockChecks, &Connection::check_deadline, this);
  if (access == Access::write) configure_writer();
  if (access == Access::read) configure_reader();
}

void Connection::configure_writer() {
  const std::string mode = database_.execAndGet("PRAGMA journal_mode = WAL").getString();
  if (mode != "wal")
    throw SQLite::Exception("The database cannot use a write-ahead log here", SQLITE_CANTOPEN);
  database_.exec(
      "PRAGMA synchronous = NORMAL;"
      "PRAGMA foreign_keys = ON;"
      "PRAGMA recursive_triggers = OFF;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -65536;"  // KiB
      "PRAGMA journal_size_limit = 67108864");
}

void Connection::configure_reader() {
  // A reader that closes last must leave the -wal alone: it may be that of another file by then (restore).
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database_.exec("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384");
}

int Connection::check_deadline(void* self) {
  const auto* connection = static_cast<Connection*>(self);
  const Deadline deadline = connection->deadline_;
  if (connection->cancelled_.load(std::memory_order_relaxed)) return 1;
  return deadline != Deadline::max() && std::chrono::steady_clock::now() > deadline ? 1 : 0;
}

}  // namespace quorate
