#include "engines/sqlite/transaction_runner.hpp"

#include <sqlite3.h>

#include <chrono>
#include <limits>
#include <string>

#include "engines/sqlite/schema.hpp"
#include "engines/sqlite/sqlite_error.hpp"
#include "engines/sqlite/transaction_clock.hpp"

namespace quorate {
namespace {

void run_once(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

Deadline deadline_after(std::chrono::microseconds time) {
  return time == std::chrono::microseconds::max() ? Deadline::max() : std::chrono::steady_clock::now() + time;
}

// A statement that only reads affects no row; what it returned is what can be expected of it.
Result<void> check_row_count(const Statement& statement, StatementKind kind, std::int64_t rows) {
  if (statement.expect_rows) {
    if (rows == *statement.expect_rows) return {};
    return fail(ErrorCode::row_count_mismatch, "The statement affected " + std::to_string(rows) +
                                                   " rows, but " + std::to_string(*statement.expect_rows) +
                                                   " were expected.");
  }
  const bool conflicts = kind == StatementKind::update || kind == StatementKind::remove;
  if (rows == 0 && conflicts && !statement.allow_no_rows) {
    return fail(ErrorCode::version_conflict, "The statement touched no row: what it looked for has changed.");
  }
  return {};
}

// Restores what a transaction must not leave behind on the connection, however it ends.
class DigestScope {
 public:
  DigestScope(ChangeHook& hook, ChangeDigest& digest) : hook_(hook) {
    digest.reset();
    hook_.feed(&digest);
  }
  ~DigestScope() { hook_.feed(nullptr); }
  DigestScope(const DigestScope&) = delete;
  DigestScope& operator=(const DigestScope&) = delete;

 private:
  ChangeHook& hook_;
};

}  // namespace

TransactionRunner::TransactionRunner(Connection& connection)
    : connection_(connection),
      hook_(connection.handle()),
      savepoint_(connection.database(), "SAVEPOINT client_transaction"),
      release_(connection.database(), "RELEASE client_transaction"),
      roll_back_to_(connection.database(), "ROLLBACK TO client_transaction"),
      settle_(connection.database(), "SAVEPOINT settle"),
      settled_(connection.database(), "RELEASE settle") {
  install_functions(connection.handle(), context_);
  look_for_virtual_tables();
}

void TransactionRunner::look_for_virtual_tables() {
  const char* sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage = 0";
  has_virtual_tables_ |= connection_.database().execAndGet(sql).getInt() > 0;
}

bool TransactionRunner::is_ended() const {
  return sqlite3_get_autocommit(connection_.handle()) != 0;
}

void TransactionRunner::begin(std::uint64_t seed) {
  sqlite3_set_last_insert_rowid(connection_.handle(), 0);
  context_.random = TransactionRandom(seed);
  context_.changes_before = sqlite3_total_changes64(connection_.handle());
  schema_changed_ = false;
}

// A savepoint makes virtual tables write what they hold back: so that it is digested here and cannot fail at the commit.
void TransactionRunner::settle() {
  if (has_virtual_tables_) {
    run_once(settle_);
    run_once(settled_);
  }
  if (schema_changed_) feed_schema(connection_.database(), digest_);
}

Result<TransactionResult> TransactionRunner::run(const Transaction& transaction, std::int64_t clock_us,
                                                 std::uint64_t seed, const PrepareLimits& limits,
                                                 bool in_savepoint) {
  const ScopedClock clock(clock_us);
  if (in_savepoint) run_once(savepoint_);
  begin(seed);
  const DigestScope digest_scope(hook_, digest_);
  Result<TransactionResult> result = run_statements(transaction, limits);
  if (result) settle();
  if (!in_savepoint || is_ended()) return result;
  if (!result) run_once(roll_back_to_);
  run_once(release_);
  return result;
}

Result<TransactionResult> TransactionRunner::run_statements(const Transaction& transaction,
                                                            const PrepareLimits& limits) {
  const Connection::TimeLimit time_limit(connection_, deadline_after(limits.statement_time));
  ResultBudget budget(limits.max_rows, limits.bytes_for(transaction));
  TransactionResult result;
  result.statements.reserve(transaction.statements.size());
  std::optional<std::size_t> first_deferred;
  for (std::size_t i = 0; i < transaction.statements.size(); ++i) {
    Result<StatementResult> done = run_statement(transaction.statements[i], budget);
    if (!done) {
      Error error = statement_error(std::move(done.error()));
      error.statement = i;
      return std::unexpected(std::move(error));
    }
    result.statements.push_back(std::move(*done));
    if (check_foreign_keys()) {
      first_deferred.reset();
    } else if (!first_deferred) {
      first_deferred = i;
    }
  }
  if (first_deferred) {
    Error error = check_foreign_keys().error();
    error.statement = first_deferred;
    return std::unexpected(std::move(error));
  }
  return result;
}

Result<StatementResult> TransactionRunner::run_statement(const Statement& statement, ResultBudget& budget) {
  const Result<ClientStatement*> compiled = statements_.get(connection_, statement.sql);
  if (!compiled) return std::unexpected(compiled.error());
  ClientStatement& client = **compiled;
  StatementResult result;
  {
    const StatementRun run(client);
    if (!statement.rows.empty()) {
      if (auto done = run_rows(statement, client, budget, result); !done)
        return std::unexpected(done.error());
    } else {
      if (auto bound = client.bind(statement.parameters); !bound) return std::unexpected(bound.error());
      if (auto done = run_bound(statement, client, budget, result); !done)
        return std::unexpected(done.error());
    }
    result.columns = client.columns();
  }
  result.last_insert_id = sqlite3_last_insert_rowid(connection_.handle());
  if (client.kind() == StatementKind::other) {
    if (auto checked = after_definition(client); !checked) return std::unexpected(checked.error());
  }
  return result;
}

Result<void> TransactionRunner::run_bound(const Statement& statement, ClientStatement& client,
                                          ResultBudget& budget, StatementResult& result) {
  std::int64_t returned = 0;
  for (;; ++returned) {
    const Result<bool> row = client.step(connection_);
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    result.rows.push_back(client.row());
    if (auto added = budget.add(result.rows.back()); !added) return added;
  }
  const bool changes_rows = client.kind() != StatementKind::read && client.kind() != StatementKind::other;
  const std::int64_t changed = changes_rows ? sqlite3_changes64(connection_.handle()) : 0;
  result.rows_affected += changed;
  return check_row_count(statement, client.kind(), client.kind() == StatementKind::read ? returned : changed);
}

Result<void> TransactionRunner::run_rows(const Statement& statement, ClientStatement& client,
                                         ResultBudget& budget, StatementResult& result) {
  if (client.kind() == StatementKind::other) return takes_no_rows();
  const Result<std::vector<std::size_t>> places = client.match(statement.rows);
  if (!places) return std::unexpected(places.error());
  ParameterRowsReader reader(statement.rows);
  for (std::size_t i = 0; reader.next(); ++i) {
    Result<void> done = client.bind_row(reader.row(), *places);
    if (done) done = run_bound(statement, client, budget, result);
    if (!done) {
      done.error().params_index = i;
      return done;
    }
    client.rewind();
  }
  return {};
}

Result<void> TransactionRunner::after_definition(const ClientStatement& statement) {
  schema_changed_ = true;
  look_for_virtual_tables();
  // The pre-update hook does not tell of the rows that CREATE TABLE ... AS stores.
  if (!statement.creates().empty()) feed_table(connection_.database(), statement.creates(), digest_);
  return check_cluster_names(connection_.database());
}

Result<void> TransactionRunner::check_foreign_keys() const {
  int unresolved = 0;
  int highest = 0;
  sqlite3_db_status(connection_.handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0);
  if (unresolved == 0) return {};
  return fail(
      ErrorCode::constraint_failed,
      "FOREIGN KEY constraint failed: at the end of the transaction a row still refers to a missing one.");
}

// An AUTOINCREMENT table without a row id left reports a full disk, too; that concerns only the one statement.
Error TransactionRunner::statement_error(Error error) const {
  if (error.code != ErrorCode::disk_full) return error;
  SQLite::Database& database = connection_.database();
  const bool spent =
      hook_.may_spend_row_ids() ||
      (database.tableExists("sqlite_sequence") &&
       database.execAndGet("SELECT count(*) FROM sqlite_sequence WHERE seq = 9223372036854775807").getInt() >
           0);
  if (!spent) return error;
  return Error{.code = ErrorCode::constraint_failed,
               .message = "An AUTOINCREMENT table has no row id left, or the database has no room left."};
}

}  // namespace quorate
