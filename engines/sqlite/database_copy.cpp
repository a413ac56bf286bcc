#include "engines/sqlite/database_copy.hpp"

#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/meta_table.hpp"
#include "engines/sqlite/transaction_clock.hpp"
#include "engines/sqlite/write_ahead_log.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

fs::path with_suffix(const fs::path& file, const char* suffix) {
  fs::path result = file;
  result += suffix;
  return result;
}

Result<void> sync_path(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const std::string reason = std::generic_category().message(errno);
  if (descriptor >= 0) ::close(descriptor);
  if (synced) return {};
  return fail(ErrorCode::io_error, "Cannot make " + path.string() + " durable: " + reason + ".");
}

Position copy_pages(const fs::path& source, const fs::path& target) {
  Connection from(source, Connection::Access::read);
  // The read transaction holds what the copy sees, however long it takes.
  from.database().exec("BEGIN");
  const std::optional<ClusterMeta> meta = load_meta(from.database());
  SQLite::Database to(fs::absolute(target).string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0, kVfsName);
  to.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  SQLite::Backup(to, from.database()).executeStep();
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

Result<void> adopt_snapshot(const fs::path& source, const fs::path& target,
                            const std::optional<ClusterMeta>& own) {
  remove_database(target);
  fs::copy_file(source, target);
  {
    Connection copy(target, Connection::Access::write);
    const std::string verdict = copy.database().execAndGet("PRAGMA quick_check(1)").getString();
    if (verdict != "ok") {
      return fail(ErrorCode::corrupt, "The snapshot " + source.string() + " is damaged: " + verdict + ".");
    }
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
