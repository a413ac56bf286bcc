// Runs one client transaction inside the open write transaction, in a savepoint of its own or without, and digests its
// changes.
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

  // On failure the transaction has left no trace with `in_savepoint`, unless SQLite has ended the whole write transaction
  // (is_ended()); without, the write transaction must be rolled back. Errors of is_database_failure() concern the database
  // itself. Throws SQLite::Exception, likewise.
  Result<TransactionResult> run(const Transaction& transaction, std::int64_t clock_us, std::uint64_t seed,
                                const PrepareLimits& limits, bool in_savepoint);

  // To be called when the schema may have been changed in another way than by run(). Throws SQLite::Exception.
  void look_for_virtual_tables();

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
  void settle();

  Connection& connection_;
  TransactionContext context_;
  ChangeHook hook_;
  ChangeDigest digest_;
  bool schema_changed_ = false;
  bool has_virtual_tables_ = false;  // or had, since the database was opened
  SQLite::Statement savepoint_;
  SQLite::Statement release_;
  SQLite::Statement roll_back_to_;
  SQLite::Statement settle_;
  SQLite::Statement settled_;
  StatementCache statements_;
};

}  // namespace quorate
