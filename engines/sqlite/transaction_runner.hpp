// Runs one client transaction inside the open write transaction, in a savepoint of its own, and digests its changes.
#pragma once

#include <SQLiteCpp/Statement.h>

#include "core/engine.hpp"
#include "engines/common/change_digest.hpp"
#include "engines/common/result_budget.hpp"
#include "engines/sqlite/change_hook.hpp"
#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/functions.hpp"
#include "engines/sqlite/statement_cache.hpp"

namespace quorate {

class TransactionRunner {
 public:
  // Throws SQLite::Exception.
  explicit TransactionRunner(Connection& connection);

  // On failure the transaction has left no trace, unless SQLite has ended the whole write transaction (is_ended());
  // errors of is_database_failure() concern the database itself. Throws SQLite::Exception, likewise.
  Result<TransactionResult> run(const Transaction& transaction, std::int64_t clock_us, std::uint64_t seed,
                                const PrepareLimits& limits);

  // The digest of the last transaction's changes, if it succeeded.
  Digest changes() { return digest_.finish(); }

  // To be called when a write transaction has been begun.
  void begin_batch() { hook_.reset_row_ids(); }

  // True when no write transaction is open: OR ROLLBACK, RAISE(ROLLBACK) and an interrupted write end it.
  bool is_ended() const;

 private:
  Result<TransactionResult> run_statements(const Transaction& transaction, const PrepareLimits& limits);
  Result<StatementResult> run_statement(const Statement& statement, ResultBudget& budget);
  // One run of what is bound, and one for each of the statement's rows of parameters; they add to the result.
  Result<void> run_bound(const Statement& statement, ClientStatement& client, ResultBudget& budget,
                         StatementResult& result);
  Result<void> run_rows(const Statement& statement, ClientStatement& client, ResultBudget& budget,
                        StatementResult& result);
  Result<void> after_definition(const ClientStatement& statement);
  Result<void> check_foreign_keys() const;
  Error statement_error(Error error) const;
  void begin(std::uint64_t seed);
  void release();

  Connection& connection_;
  TransactionContext context_;
  ChangeHook hook_;
  ChangeDigest digest_;
  bool schema_changed_ = false;
  SQLite::Statement savepoint_;
  SQLite::Statement release_;
  SQLite::Statement roll_back_to_;
  SQLite::Statement settle_;
  SQLite::Statement settled_;
  StatementCache statements_;
};

}  // namespace quorate
