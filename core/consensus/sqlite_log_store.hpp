// The log as a SQLite database of its own (design §4): WAL with synchronous=FULL, one transaction per write, so that
// truncate-and-append is one atomic step and its durability is SQLite's. Every entry carries a checksum.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <deque>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/consensus/log_store.hpp"

namespace quorate {

class SqliteLogStore final : public LogStore {
 public:
  // Opens the database, or creates it. Errors: io_error, corrupt.
  static Result<std::unique_ptr<SqliteLogStore>> open(const std::filesystem::path& path);

  Result<StoredLog> load() override;
  Result<void> write(const LogWrite& change) override;
  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) override;
  Result<void> compact(Position base, const Membership& membership) override;
  Result<void> install(Position base, const Membership& membership) override;
  std::uint64_t bytes() override;

  // Whose log this is. Empty until it belongs to a cluster. Errors: as of write().
  struct Identity {
    std::string cluster_id;
    NodeId node;
  };
  Result<Identity> identity();
  Result<void> set_identity(const Identity& identity);

 private:
  explicit SqliteLogStore(const std::filesystem::path& path);
  void remember(const Entry& entry);
  void remove_some(std::size_t count);
  void put_base();
  bool holds(Position position);
  void put_meta(const char* key, const std::string& value);
  std::string get_meta(const char* key);
  Entry read_one(Index index);
  Entry entry_of(SQLite::Statement& row);

  SQLite::Database database_;
  SQLite::Statement insert_;
  SQLite::Statement truncate_;
  SQLite::Statement compact_;
  SQLite::Statement select_;
  SQLite::Statement put_meta_;
  SQLite::Statement get_meta_;
  SQLite::Statement begin_;
  SQLite::Statement commit_;

  // The latest entries, contiguous up to the last one, so that replicating and applying them reads no disk.
  static constexpr std::size_t kCacheBytes = 32UL * 1024 * 1024;
  std::deque<Entry> cache_;
  std::size_t cache_bytes_ = 0;
  bool failed_ = false;

  Position base_;
  Membership base_membership_;
  bool base_is_stored_ = true;
  Index first_stored_ = 1;  // what is there up to base_ is removed bit by bit, with later writes
};

}  // namespace quorate
