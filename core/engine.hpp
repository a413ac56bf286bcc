// The contract of a storage engine: what a database must do to be one node's content.
//
// Threads. Every member but open_reader() and make_reader's product is called from one thread, the node's writer
// thread; open_reader() and open_cursor() may be called from any thread, and a Reader or Cursor belongs to the thread
// that uses it. All calls block for as long as the database takes; none takes locks of Quorate.
//
// Concurrency. A reader sees the content as of a committed position, never a prepared batch. A read that starts after
// commit() returned sees that commit. Readers never block the writer, the writer never blocks readers.
//
// Durability. commit() makes the batch atomic, not durable: after a power cut the content is as of some earlier
// committed position, consistent with the applied index stored in it, and the log is replayed from there. flush()
// makes everything committed so far durable.
//
// Determinism. Two engines of the same kind that start equal and are given equal batches end equal: the same results,
// row counts and digest. Time functions see TimedTransaction::clock_us, random functions its seed.
//
// A new engine is one folder, one line in engines/registry.cpp, and a pass of tests/contract.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/digest.hpp"
#include "core/membership.hpp"
#include "core/query.hpp"
#include "core/table_description.hpp"
#include "core/transaction.hpp"

namespace quorate {

// A place in the replicated log. Index 0 is before the first entry.
struct Position {
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  auto operator<=>(const Position&) const = default;
};

// What _cluster_meta holds: whose content this is, and up to where it has come. Stored in the database itself, so that
// it changes in the same database transaction as the data.
struct ClusterMeta {
  std::string cluster_id;
  std::string node_id;
  std::string role;  // "master" (the preferred leader) or "backup"
  ConsistencyMode mode = ConsistencyMode::quorum;
  Position applied;           // the last log entry that is in the content
  Digest digest;              // the chained digest at `applied`
  std::int64_t clock_us = 0;  // the highest transaction clock so far; it never goes back
  Membership membership;      // as of `applied`
  bool operator==(const ClusterMeta&) const = default;
};

// Something kept under a key beside the data, until the clock of the transactions has gone on for so long.
struct KeyedOutcome {
  std::string key;
  std::int64_t keep_us = 0;
  std::string bytes;
};

// What an entry changes besides the position and the data.
struct MetaChange {
  std::optional<ConsistencyMode> mode = {};
  std::optional<Membership> membership = {};
  std::vector<KeyedOutcome> outcomes = {};
};

// What prepare() did, or extend().
struct BatchOutcome {
  // One per transaction given, in order. Those that failed left no trace in the batch; the others are complete: nothing of
  // them is left that could fail at commit (deferred constraints have been checked).
  std::vector<Result<TransactionResult>> transactions;
  Digest digest;  // the chained digest that the content will have once all that is held is committed
};

struct PrepareLimits {
  std::chrono::microseconds statement_time =
      std::chrono::microseconds::max();  // of one transaction's statements together
  std::size_t max_rows = 100'000;        // result rows of one transaction; more fail it: result_too_large
  std::size_t max_bytes = 64UL * 1024 * 1024;       // result bytes of one transaction, likewise
  std::size_t max_kept_bytes = 64UL * 1024 * 1024;  // ... of one with a key, whose results are kept

  std::size_t bytes_for(const Transaction& transaction) const {
    return transaction.key ? std::min(max_bytes, max_kept_bytes) : max_bytes;
  }
};

// Digest and size of one table's rows, for comparing nodes.
struct TableDigest {
  Digest digest;
  std::uint64_t rows = 0;
  bool operator==(const TableDigest&) const = default;
};

struct ContentDigest {
  // By name, without engine-internal tables; of Quorate's own only "_cluster_keys", if any outcomes are kept.
  std::map<std::string, TableDigest> tables;
  Digest schema;  // over the text of all schema objects, in name order
  bool operator==(const ContentDigest&) const = default;
};

// A read connection. Used by one thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;

  // Runs one reading statement. Errors: sql_error, parameter_mismatch, forbidden_sql (anything that writes),
  // statement_timeout, result_too_large, io_error.
  virtual Result<QueryResult> query(const Query& query) = 0;

  // Describes the tables and views that belong to the user, by name: those of _cluster_, of the engine itself, and what a
  // virtual table is stored in, are left out. With a name, only that one, or none; it is found as SQL would find it.
  // Errors: statement_timeout, io_error.
  virtual Result<SchemaDescription> describe_tables(const std::string& table, Deadline deadline) = 0;

  // Freezes what this reader sees at the present committed position, which it returns, until unpin().
  virtual Result<Position> pin() = 0;
  virtual void unpin() = 0;

  // Reads everything and digests it, table by table. Slow: proportional to the content.
  virtual Result<ContentDigest> content_digest() = 0;
};

// One reading statement whose rows are taken piece by piece, on a connection of its own. It sees the content as of one
// committed position, whatever is written meanwhile, which the database must keep for it: a log that SQLite would start
// over grows until the cursor is destroyed. Used by one thread at a time, but for interrupt().
class Cursor {
 public:
  virtual ~Cursor() = default;

  virtual const ResultHead& head() const = 0;

  // The next rows, at least one unless none is left. After a failure, or the last piece, it is only good for being
  // destroyed. Errors: sql_error, statement_timeout, result_too_large (one row is larger than Query::max_bytes), io_error.
  virtual Result<ResultPiece> next(const PieceLimits& limits) = 0;

  // Any thread. The next() that runs, and every later one, soon fails with statement_timeout.
  virtual void interrupt() noexcept = 0;
};

class StorageEngine {
 public:
  virtual ~StorageEngine() = default;

  // Runs SQL outside replication and commits it (set-up of tests and tools). Fails while a batch is prepared.
  virtual Result<void> execute(const std::string& sql) = 0;

  // The stored meta, or nothing if the database has never belonged to a cluster.
  virtual Result<std::optional<ClusterMeta>> read_meta() = 0;
  // Creates or replaces the meta, durably.
  virtual Result<void> write_meta(const ClusterMeta& meta) = 0;
  // True when the database holds no user objects at all.
  virtual Result<bool> is_empty() = 0;

  // Opens one write transaction, runs each transaction of the batch in a savepoint of its own, and holds it open until
  // commit() or rollback(). A failing transaction does not fail the batch. The Result itself fails only when the
  // database does (disk_full, io_error) or its content was changed by another program (quarantined); then nothing is
  // held. Precondition: nothing is held; read_meta() has a value.
  // Prefer prepare_batch() below, which rolls back by RAII.
  virtual Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits) = 0;

  // Runs more transactions in what is held, as if prepare() had been given them behind its own. Fails as prepare() does.
  // Nothing: with these, all would have to be run again. In both cases nothing is held any more.
  virtual Result<std::optional<BatchOutcome>> extend(const Batch& more, const PrepareLimits& limits) = 0;

  // Writes position, the prepared digest, clock and what `change` names in the same transaction and commits it. With
  // every outcome that is kept, some of those whose time is over are removed. On failure nothing is held and the node must stop: the decision stands, the log replays it.
  virtual Result<void> commit(Position position, const MetaChange& change = {}) = 0;

  // What is kept under the key, as last committed; nothing once its time is over.
  virtual Result<std::optional<std::string>> find_outcome(const std::string& key) = 0;

  // Gives up what is held, if anything. Never fails visibly.
  virtual void rollback() noexcept = 0;

  // The position and digest as last committed. Cheap, from memory.
  virtual std::pair<Position, Digest> get_version() const = 0;

  // Errors: io_error, corrupt, quarantined (the content was changed by another program).
  virtual Result<void> check_health() = 0;

  // Makes all that is committed durable and returns the index up to which it now surely is.
  virtual Result<std::uint64_t> flush() = 0;

  // Writes a consistent, durable copy of the content at a committed position into a new file, without blocking
  // the writer for long; returns the position. May be called from any thread, like open_reader().
  virtual Result<Position> snapshot(const std::filesystem::path& target) = 0;

  // As snapshot(), but the copy is a plain database, with nothing of Quorate's own in it. May be called from any thread.
  virtual Result<Position> backup(const std::filesystem::path& target) = 0;

  // Makes of a database file of this kind, of whatever origin, a durable snapshot that has this meta and these outcomes,
  // and else nothing of Quorate's own. In place, so a file that this was interrupted on is spoilt. Errors: corrupt (no
  // sound database), forbidden_sql (it has names that belong to the cluster), io_error, disk_full.
  virtual Result<void> make_snapshot_of(const std::filesystem::path& file, const ClusterMeta& meta,
                                        const std::vector<KeyedOutcome>& outcomes) = 0;

  // Replaces the whole content, meta included, by that of a snapshot, keeping this node's own node_id and role.
  // No reader or cursor may be in use. The source may become the database's own file: after success it must be removed, or be given
  // to restore() again before anything else happens. On failure the former content is kept, and so is the source.
  virtual Result<void> restore(const std::filesystem::path& source) = 0;

  virtual Result<std::unique_ptr<Reader>> open_reader() = 0;

  // Begins a read; of the query's limits max_rows holds for all pieces together, max_bytes for one row, and the deadline
  // not at all. Errors: those of Reader::query().
  virtual Result<std::unique_ptr<Cursor>> open_cursor(Query query) = 0;
};

// A batch held open on an engine; rolls back when it goes out of scope (the seed's "RAII rollback").
class PreparedBatch {
 public:
  PreparedBatch(StorageEngine& engine, BatchOutcome outcome)
      : engine_(&engine), outcome_(std::move(outcome)) {}
  PreparedBatch(PreparedBatch&& other) noexcept
      : engine_(std::exchange(other.engine_, nullptr)), outcome_(std::move(other.outcome_)) {}
  PreparedBatch& operator=(PreparedBatch&&) = delete;
  ~PreparedBatch() {
    if (engine_ != nullptr) engine_->rollback();
  }

  // Of what was run last; its digest is of all.
  const BatchOutcome& outcome() const { return outcome_; }
  BatchOutcome& outcome() { return outcome_; }

  // False: all would have to be prepared again. Then, and on failure, nothing is held any more.
  Result<bool> extend(const Batch& more, const PrepareLimits& limits) {
    StorageEngine* const engine = std::exchange(engine_, nullptr);
    Result<std::optional<BatchOutcome>> outcome = engine->extend(more, limits);
    if (!outcome) return std::unexpected(outcome.error());
    if (!*outcome) return false;
    engine_ = engine;
    outcome_ = std::move(**outcome);
    return true;
  }

  Result<void> commit(Position position, const MetaChange& change = {}) {
    return std::exchange(engine_, nullptr)->commit(position, change);
  }

 private:
  StorageEngine* engine_;
  BatchOutcome outcome_;
};

inline Result<PreparedBatch> prepare_batch(StorageEngine& engine, const Batch& batch,
                                           const PrepareLimits& limits) {
  Result<BatchOutcome> outcome = engine.prepare(batch, limits);
  if (!outcome) return std::unexpected(outcome.error());
  return PreparedBatch(engine, std::move(*outcome));
}

}  // namespace quorate
