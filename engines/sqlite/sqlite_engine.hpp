// The SQLite engine: one database file in WAL mode, with one writer and any number of readers.
//
// Known limit: a table that holds the row id 9223372036854775807 makes SQLite choose later row ids at random, which
// differ between nodes (they then quarantine themselves). Such a table should be AUTOINCREMENT, or be given its ids.
#pragma once

#include <memory>

#include "core/engine.hpp"
#include "engines/registry.hpp"
#include "engines/sqlite/sqlite_reader.hpp"
#include "engines/sqlite/writer.hpp"

namespace quorate {

class SqliteEngine : public StorageEngine {
 public:
  // Opens, and creates if absent. Throws SQLite::Exception.
  explicit SqliteEngine(const std::filesystem::path& path);

  Result<void> execute(const std::string& sql) override;
  Result<std::optional<ClusterMeta>> read_meta() override;
  Result<void> write_meta(const ClusterMeta& meta) override;
  Result<bool> is_empty() override;
  Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits) override;
  Result<std::optional<BatchOutcome>> extend(const Batch& more, const PrepareLimits& limits) override;
  Result<void> commit(Position position, const MetaChange& change) override;
  Result<std::optional<std::string>> find_outcome(const std::string& key) override;
  void rollback() noexcept override;
  std::pair<Position, Digest> get_version() const override;
  Result<void> check_health() override;
  Result<std::uint64_t> flush() override;
  Result<Position> snapshot(const std::filesystem::path& target) override;
  Result<void> restore(const std::filesystem::path& source) override;
  Result<Position> backup(const std::filesystem::path& target) override;
  Result<void> make_snapshot_of(const std::filesystem::path& file, const ClusterMeta& meta,
                                const std::vector<KeyedOutcome>& outcomes) override;
  Result<std::unique_ptr<Reader>> open_reader() override;
  Result<std::unique_ptr<Cursor>> open_cursor(Query query) override;

 private:
  Result<void> replace_file(const std::filesystem::path& adopted);
  std::unexpected<Error> not_open() const;

  std::shared_ptr<DatabaseFile> file_;
  std::unique_ptr<Writer> writer_;  // null after a restore whose file could not be opened
};

// The factory for the registry; options.uri is the path of the database file.
Result<std::unique_ptr<StorageEngine>> open_sqlite_engine(const EngineOptions& options);

}  // namespace quorate
