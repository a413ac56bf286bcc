// The write connection of a SQLite database and all that is bound to it: the meta, the batch that is held open, the
// write-ahead log, and the watch for other programs.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine.hpp"
#include "engines/common/change_digest.hpp"
#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/key_table.hpp"
#include "engines/sqlite/meta_table.hpp"
#include "engines/sqlite/transaction_runner.hpp"
#include "engines/sqlite/write_ahead_log.hpp"

namespace quorate {

class Writer {
 public:
  // Opens, and creates if absent. Throws SQLite::Exception.
  explicit Writer(const std::filesystem::path& file);
  ~Writer() { rollback(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // As last committed.
  const std::optional<ClusterMeta>& meta() const { return meta_; }
  bool is_holding() const { return held_; }
  Connection& connection() { return connection_; }
  WriteAheadLog& log() { return log_; }

  // These have the meaning that they have in StorageEngine.
  Result<void> execute(const std::string& sql);
  Result<void> write_meta(const ClusterMeta& meta);
  Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits);
  Result<std::optional<BatchOutcome>> extend(const Batch& more, const PrepareLimits& limits);
  Result<void> commit(Position position, const MetaChange& change);
  Result<std::optional<std::string>> find_outcome(const std::string& key);
  void rollback() noexcept;
  Result<void> check_health();

 private:
  using Failures = std::vector<std::optional<Error>>;  // per transaction of the batch

  Result<void> begin();
  Result<void> check_unchanged();
  std::int64_t data_version();
  // Gives up what is held after a failure of the database.
  void abandon();
  // Precondition: the write transaction has been begun.
  Result<BatchOutcome> run_batch(const Batch& batch, const PrepareLimits& limits);
  void begin_pass();
  // Runs the batch behind what the pass has run so far. False when a transaction, the one after outcome.transactions, has
  // ended the whole write transaction, or without savepoints has failed: the write transaction is rolled back.
  Result<bool> run_pass(const Batch& batch, const PrepareLimits& limits, Failures& failures,
                        BatchOutcome& outcome, bool in_savepoints);
  void use_meta(ClusterMeta meta);

  Connection connection_;
  WriteAheadLog log_;
  SQLite::Statement begin_;
  SQLite::Statement commit_;
  SQLite::Statement data_version_;
  std::int64_t known_version_ = 0;  // changes when another program commits
  bool quarantined_ = false;
  std::optional<ClusterMeta> meta_;
  std::unique_ptr<TransactionRunner> runner_;  // with meta_
  std::unique_ptr<MetaUpdate> meta_update_;    // with meta_
  std::unique_ptr<KeyTable> keys_;             // with meta_
  ChangeDigest batch_changes_;                 // of the pass
  bool has_changes_ = false;                   // likewise
  int batches_in_savepoints_ = 0;              // so many are still to be prepared so
  bool held_ = false;
  ClusterMeta prepared_;  // what the meta will be, but for the position; while held_
};

}  // namespace quorate
