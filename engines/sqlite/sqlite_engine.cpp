#include "engines/sqlite/sqlite_engine.hpp"

#include <system_error>

#include "engines/sqlite/database_copy.hpp"
#include "engines/sqlite/schema.hpp"
#include "engines/sqlite/sqlite_cursor.hpp"
#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {

SqliteEngine::SqliteEngine(const std::filesystem::path& path) : file_(std::make_shared<DatabaseFile>()) {
  file_->path = std::filesystem::absolute(path);
  writer_ = std::make_unique<Writer>(file_->path);
}

std::unexpected<Error> SqliteEngine::not_open() const {
  return fail(ErrorCode::io_error, "The database " + file_->path.string() + " could not be opened.");
}

Result<void> SqliteEngine::execute(const std::string& sql) {
  if (!writer_) return not_open();
  return writer_->execute(sql);
}

Result<std::optional<ClusterMeta>> SqliteEngine::read_meta() {
  if (!writer_) return not_open();
  return writer_->meta();
}

Result<void> SqliteEngine::write_meta(const ClusterMeta& meta) {
  if (!writer_) return not_open();
  return writer_->write_meta(meta);
}

Result<bool> SqliteEngine::is_empty() {
  if (!writer_) return not_open();
  return guarded([&]() -> Result<bool> { return has_no_user_objects(writer_->connection().database()); });
}

Result<BatchOutcome> SqliteEngine::prepare(const Batch& batch, const PrepareLimits& limits) {
  if (!writer_) return not_open();
  return writer_->prepare(batch, limits);
}

Result<std::optional<BatchOutcome>> SqliteEngine::extend(const Batch& more, const PrepareLimits& limits) {
  if (!writer_) return not_open();
  return writer_->extend(more, limits);
}

Result<void> SqliteEngine::commit(Position position, const MetaChange& change) {
  if (!writer_) return not_open();
  return writer_->commit(position, change);
}

Result<std::optional<std::string>> SqliteEngine::find_outcome(const std::string& key) {
  if (!writer_) return not_open();
  return writer_->find_outcome(key);
}

void SqliteEngine::rollback() noexcept {
  if (writer_) writer_->rollback();
}

std::pair<Position, Digest> SqliteEngine::get_version() const {
  if (!writer_ || !writer_->meta()) return {};
  return {writer_->meta()->applied, writer_->meta()->digest};
}

Result<void> SqliteEngine::check_health() {
  if (!writer_) return not_open();
  return writer_->check_health();
}

Result<std::uint64_t> SqliteEngine::flush() {
  if (!writer_) return not_open();
  if (auto synced = writer_->log().sync(); !synced) return std::unexpected(synced.error());
  return get_version().first.index;
}

Result<Position> SqliteEngine::snapshot(const std::filesystem::path& target) {
  return guarded([&] { return copy_database(file_->path, target); });
}

Result<Position> SqliteEngine::backup(const std::filesystem::path& target) {
  return guarded([&]() -> Result<Position> {
    auto position = copy_database(file_->path, target);
    if (position) make_plain(target);
    return position;
  });
}

Result<void> SqliteEngine::make_snapshot_of(const std::filesystem::path& file, const ClusterMeta& meta,
                                            const std::vector<KeyedOutcome>& outcomes) {
  return guarded([&] { return naturalize(file, meta, outcomes); });
}

Result<void> SqliteEngine::restore(const std::filesystem::path& source) {
  if (writer_ && writer_->is_holding()) {
    return fail(ErrorCode::internal, "A batch is prepared; the content cannot be replaced.");
  }
  std::error_code absent;
  // An earlier restore of the same file came so far, and then the process ended.
  if (writer_ && writer_->meta() && std::filesystem::equivalent(source, file_->path, absent)) return {};
  std::filesystem::path adopted = file_->path;
  adopted += ".restore";
  const std::optional<ClusterMeta> own = writer_ ? writer_->meta() : std::nullopt;
  Result<void> done = guarded([&] { return adopt_snapshot(source, adopted, own); });
  if (done) done = guarded([&] { return replace_file(adopted); });
  // What failed for want of room or by the disk's fault may be done again, and then goes on with what is there.
  if (!done && done.error().code == ErrorCode::corrupt) remove_database(adopted);
  return done;
}

// The former log must be empty before the rename: SQLite would apply it to the new file if a crash came in between.
Result<void> SqliteEngine::replace_file(const std::filesystem::path& adopted) {
  if (writer_) {
    if (auto emptied = writer_->log().empty(); !emptied) return emptied;
    writer_.reset();
  }
  Result<void> renamed = rename_durably(adopted, file_->path);
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::path leftover = file_->path;
    leftover += suffix;
    std::error_code ignored;
    std::filesystem::remove(leftover, ignored);
  }
  ++file_->generation;
  writer_ = std::make_unique<Writer>(file_->path);
  return renamed;
}

Result<std::unique_ptr<Reader>> SqliteEngine::open_reader() {
  return guarded([&]() -> Result<std::unique_ptr<Reader>> { return std::make_unique<SqliteReader>(file_); });
}

Result<std::unique_ptr<Cursor>> SqliteEngine::open_cursor(Query query) {
  return guarded([&]() -> Result<std::unique_ptr<Cursor>> {
    auto cursor = std::make_unique<SqliteCursor>(file_->path, std::move(query));
    if (auto begun = cursor->begin(); !begun) return std::unexpected(begun.error());
    return cursor;
  });
}

Result<std::unique_ptr<StorageEngine>> open_sqlite_engine(const EngineOptions& options) {
  return guarded([&]() -> Result<std::unique_ptr<StorageEngine>> {
    return std::make_unique<SqliteEngine>(options.uri);
  });
}

}  // namespace quorate
