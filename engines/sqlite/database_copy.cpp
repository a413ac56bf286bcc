#include "engines/sqlite/database_copy.hpp"

#include <SQLiteCpp/Backup.h>
#include <sqlite3.h>

#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "core/file.hpp"
#include "core/paced_writeback.hpp"
#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/key_table.hpp"
#include "engines/sqlite/meta_table.hpp"
#include "engines/sqlite/schema.hpp"
#include "engines/sqlite/transaction_clock.hpp"
#include "engines/sqlite/write_ahead_log.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

Result<void> sync_path(const fs::path& path, int flags) {
  if (File(path, flags).sync()) return {};
  return fail(ErrorCode::io_error,
              "Cannot make " + path.string() + " durable: " + std::generic_category().message(errno) + ".");
}

constexpr int kPagesAtOnce = 2'048;  // 8 MiB of 4 KiB pages

void copy_steadily(SQLite::Backup& backup, const fs::path& target) {
  const File file(target, O_RDONLY);
  PacedWriteback writeback;
  int code = SQLITE_OK;
  while (code != SQLITE_DONE) {
    code = backup.executeStep(kPagesAtOnce);
    // Nobody else has to do with the copy, and of the source a read transaction is open.
    if (code != SQLITE_OK && code != SQLITE_DONE) throw SQLite::Exception("The database is busy", code);
    std::error_code ignored;
    if (const std::uintmax_t size = fs::file_size(target, ignored); !ignored)
      writeback.wrote(file.descriptor(), size);
  }
}

// Makes `target` another name of the source file, or a copy of it. One that an interrupted attempt has left is kept: its
// -wal may hold the half of a change.
void link_or_copy(const fs::path& source, const fs::path& target) {
  std::error_code error;
  if (fs::equivalent(source, target, error)) return;
  remove_database(target);
  fs::create_hard_link(source, target, error);
  if (error) fs::copy_file(source, target);
}

Result<void> check_soundness(SQLite::Database& database) {
  const std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict == "ok") return {};
  return fail(ErrorCode::corrupt, "The database is damaged: " + verdict + ".");
}

// SQLite itself takes a file of a few bytes for an empty database.
bool has_header(const fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const File file(path, O_RDONLY);
  std::array<char, kMagic.size()> begin{};
  const bool read = file.is_open() && ::read(file.descriptor(), begin.data(), begin.size()) == kMagic.size();
  return read && std::string_view(begin.data(), begin.size()) == kMagic;
}

void drop_own_tables(SQLite::Database& database) {
  database.exec("BEGIN; DROP TABLE IF EXISTS _cluster_meta; DROP TABLE IF EXISTS _cluster_keys; COMMIT");
}

Position copy_pages(const fs::path& source, const fs::path& target) {
  Connection from(source, Connection::Access::read);
  // The read transaction holds what the copy sees, however long it takes.
  from.database().exec("BEGIN");
  const std::optional<ClusterMeta> meta = load_meta(from.database());
  SQLite::Database to(fs::absolute(target).string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0, kVfsName);
  to.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  SQLite::Backup backup(to, from.database());
  copy_steadily(backup, target);
  return meta ? meta->applied : Position{};
}

}  // namespace

void remove_database(const fs::path& file) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    fs::remove(with_suffix(file, suffix), ignored);
  }
}

Result<void> rename_durably(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    return fail(ErrorCode::io_error,
                "Cannot rename " + from.string() + " to " + to.string() + ": " + error.message() + ".");
  }
  return sync_path(fs::absolute(to).parent_path(), O_RDONLY | O_DIRECTORY);
}

Result<Position> copy_database(const fs::path& source, const fs::path& target) {
  const fs::path beside = with_suffix(target, ".partial");
  remove_database(beside);
  const Position position = copy_pages(source, beside);
  if (auto synced = sync_path(beside, O_RDONLY); !synced) return std::unexpected(synced.error());
  if (auto renamed = rename_durably(beside, target); !renamed) return std::unexpected(renamed.error());
  return position;
}

void make_plain(const fs::path& file) {
  Connection connection(file, Connection::Access::write);
  drop_own_tables(connection.database());
  connection.database().exec("PRAGMA journal_mode = DELETE");
}

Result<void> naturalize(const fs::path& file, const ClusterMeta& meta,
                        const std::vector<KeyedOutcome>& outcomes) {
  if (!has_header(file)) return fail(ErrorCode::corrupt, "It is no SQLite database.");
  {
    Connection connection(file, Connection::Access::write);
    SQLite::Database& database = connection.database();
    if (auto sound = check_soundness(database); !sound) return sound;
    drop_own_tables(database);
    if (auto names = check_cluster_names(database); !names) return names;
    store_meta(database, meta);
    KeyTable keys(database);
    for (const KeyedOutcome& outcome : outcomes) keys.keep(outcome, meta.clock_us);
    WriteAheadLog log(connection);
    if (auto emptied = log.empty(); !emptied) return emptied;
  }
  return sync_path(file, O_RDONLY);
}

Result<void> adopt_snapshot(const fs::path& source, const fs::path& target,
                            const std::optional<ClusterMeta>& own) {
  link_or_copy(source, target);
  {
    Connection copy(target, Connection::Access::write);
    if (auto sound = check_soundness(copy.database()); !sound) return sound;
    std::optional<ClusterMeta> meta = load_meta(copy.database());
    if (!meta) return fail(ErrorCode::corrupt, "The snapshot " + source.string() + " belongs to no cluster.");
    if (own) {
      meta->node_id = own->node_id;
      meta->role = own->role;
    }
    store_meta(copy.database(), *meta);
    WriteAheadLog log(copy);
    if (auto emptied = log.empty(); !emptied) return emptied;
  }
  return sync_path(target, O_RDONLY);
}

}  // namespace quorate
