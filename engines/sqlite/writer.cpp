#include "engines/sqlite/writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {
namespace {

// How often a batch is prepared again because a transaction ended the whole of it. The transactions behind the last
// such one are then refused: nobody can make a batch cost more by filling it with them.
constexpr int kMaxRestarts = 16;

// A savepoint costs a fifth of a small transaction, and is needed only by one that fails. So a batch runs without, and
// again with them if one has failed; as do so many after it, for failures seldom come alone.
constexpr int kBatchesInSavepoints = 64;

void run_once(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

}  // namespace

Writer::Writer(const std::filesystem::path& file)
    : connection_(file, Connection::Access::write),
      log_(connection_),
      begin_(connection_.database(), "BEGIN IMMEDIATE"),
      commit_(connection_.database(), "COMMIT"),
      data_version_(connection_.database(), "PRAGMA data_version") {
  known_version_ = data_version();
  if (std::optional<ClusterMeta> meta = load_meta(connection_.database())) use_meta(std::move(*meta));
}

void Writer::use_meta(ClusterMeta meta) {
  meta_ = std::move(meta);
  if (!runner_) runner_ = std::make_unique<TransactionRunner>(connection_);
  if (!meta_update_) meta_update_ = std::make_unique<MetaUpdate>(connection_.database());
  if (!keys_) keys_ = std::make_unique<KeyTable>(connection_.database());
}

std::int64_t Writer::data_version() {
  data_version_.executeStep();
  const std::int64_t version = data_version_.getColumn(0).getInt64();
  data_version_.reset();
  return version;
}

Result<void> Writer::check_unchanged() {
  if (!quarantined_) quarantined_ = data_version() != known_version_;
  if (!quarantined_) return {};
  return fail(ErrorCode::quarantined,
              "Another program has changed the database file, so this node's content is not "
              "trusted any more. It must be restored from a snapshot.");
}

Result<void> Writer::begin() {
  run_once(begin_);
  Result<void> unchanged = check_unchanged();
  if (!unchanged) rollback();
  return unchanged;
}

Result<void> Writer::execute(const std::string& sql) {
  if (held_) return fail(ErrorCode::internal, "A batch is prepared; nothing else can be executed.");
  Result<void> done = guarded([&]() -> Result<void> {
    if (auto begun = begin(); !begun) return begun;
    connection_.database().exec(sql);
    run_once(commit_);
    if (runner_) runner_->look_for_virtual_tables();
    return log_.tend();
  });
  if (!done) rollback();
  return done;
}

Result<void> Writer::write_meta(const ClusterMeta& meta) {
  if (held_) return fail(ErrorCode::internal, "A batch is prepared; the meta cannot be replaced.");
  Result<void> done = guarded([&]() -> Result<void> {
    if (auto begun = begin(); !begun) return begun;
    store_meta(connection_.database(), meta);
    run_once(commit_);
    use_meta(meta);
    return log_.sync();
  });
  if (!done) rollback();
  return done;
}

Result<BatchOutcome> Writer::prepare(const Batch& batch, const PrepareLimits& limits) {
  if (held_ || !meta_) return fail(ErrorCode::internal, "prepare() needs a meta, and nothing held.");
  if (auto begun = guarded([&] { return begin(); }); !begun) return std::unexpected(begun.error());
  Result<BatchOutcome> outcome = guarded([&] { return run_batch(batch, limits); });
  held_ = outcome.has_value();
  if (!held_) abandon();
  return outcome;
}

Result<std::optional<BatchOutcome>> Writer::extend(const Batch& more, const PrepareLimits& limits) {
  if (!held_) return fail(ErrorCode::internal, "extend() needs a prepared batch.");
  Failures failures(more.size());
  BatchOutcome outcome;
  const bool in_savepoints = batches_in_savepoints_ > 0;
  const Result<bool> complete =
      guarded([&] { return run_pass(more, limits, failures, outcome, in_savepoints); });
  held_ = complete && *complete;
  if (held_) return outcome;
  if (complete) {
    batches_in_savepoints_ = kBatchesInSavepoints;
    return std::nullopt;
  }
  abandon();
  return std::unexpected(complete.error());
}

void Writer::abandon() {
  rollback();
  // After a failed write SQLite reads the file afresh, which counts like another program's commit. There was none: the
  // write transaction was open until just now.
  [[maybe_unused]] const Result<void> read_again = guarded([&]() -> Result<void> {
    known_version_ = data_version();  // if it cannot be read, the next use finds the same and says so
    return {};
  });
}

Result<BatchOutcome> Writer::run_batch(const Batch& batch, const PrepareLimits& limits) {
  Failures failures(batch.size());
  BatchOutcome outcome;
  bool in_savepoints = batches_in_savepoints_ > 0;
  if (in_savepoints) --batches_in_savepoints_;
  for (int restarts = 0;; ++restarts) {
    begin_pass();
    const Result<bool> complete = run_pass(batch, limits, failures, outcome, in_savepoints);
    if (!complete) return std::unexpected(complete.error());
    if (*complete) return outcome;
    if (!std::exchange(in_savepoints, true)) batches_in_savepoints_ = kBatchesInSavepoints;
    for (std::size_t i = outcome.transactions.size() + 1; restarts >= kMaxRestarts && i < batch.size(); ++i) {
      failures[i] =
          Error{.code = ErrorCode::overloaded,
                .message = "Too many transactions sent at the same time ended their database transaction."};
    }
    if (auto begun = begin(); !begun) return std::unexpected(begun.error());
  }
}

void Writer::begin_pass() {
  runner_->begin_batch();
  batch_changes_.reset();
  has_changes_ = false;
  prepared_ = *meta_;
}

Result<bool> Writer::run_pass(const Batch& batch, const PrepareLimits& limits, Failures& failures,
                              BatchOutcome& outcome, bool in_savepoints) {
  outcome.transactions.clear();
  outcome.transactions.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (failures[i]) {
      outcome.transactions.push_back(std::unexpected(*failures[i]));
      continue;
    }
    const std::int64_t clock_us = std::max(prepared_.clock_us, batch[i].clock_us);
    Result<TransactionResult> done =
        runner_->run(batch[i].transaction, clock_us, batch[i].seed, limits, in_savepoints);
    if (done) {
      prepared_.clock_us = clock_us;
      batch_changes_.add_digest(runner_->changes());
      has_changes_ = true;
    } else {
      if (is_database_failure(done.error().code)) return std::unexpected(done.error());
      failures[i] = done.error();
      if (!in_savepoints) rollback();
      if (runner_->is_ended()) return false;
    }
    outcome.transactions.push_back(std::move(done));
  }
  if (has_changes_) prepared_.digest = chain(meta_->digest, batch_changes_.finish());
  outcome.digest = prepared_.digest;
  return true;
}

Result<void> Writer::commit(Position position, const MetaChange& change) {
  if (!held_) return fail(ErrorCode::internal, "commit() needs a prepared batch.");
  held_ = false;
  prepared_.applied = position;
  if (change.mode) prepared_.mode = *change.mode;
  if (change.membership) prepared_.membership = *change.membership;
  Result<void> done = guarded([&]() -> Result<void> {
    meta_update_->run(prepared_);
    if (change.membership) store_membership(connection_.database(), *change.membership);
    for (const KeyedOutcome& outcome : change.outcomes) keys_->keep(outcome, prepared_.clock_us);
    if (!change.outcomes.empty()) keys_->remove_expired(prepared_.clock_us, change.outcomes.size());
    run_once(commit_);
    meta_ = prepared_;
    return log_.tend();
  });
  if (!done) rollback();
  return done;
}

Result<std::optional<std::string>> Writer::find_outcome(const std::string& key) {
  if (!meta_) return std::nullopt;
  return guarded([&]() -> Result<std::optional<std::string>> { return keys_->find(key, meta_->clock_us); });
}

void Writer::rollback() noexcept {
  held_ = false;
  if (sqlite3_get_autocommit(connection_.handle()) != 0) return;
  sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Writer::check_health() {
  return guarded([&]() -> Result<void> {
    int moved = 0;
    sqlite3_file_control(connection_.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved != 0)
      return fail(ErrorCode::quarantined, "The database file has been moved, replaced or deleted.");
    // While a batch is held, nobody else can write.
    if (!held_) {
      if (auto unchanged = check_unchanged(); !unchanged) return unchanged;
    }
    if (load_meta(connection_.database()) == meta_) return {};
    return fail(ErrorCode::corrupt, "The table _cluster_meta does not hold what was written to it.");
  });
}

}  // namespace quorate
