// A client's statement, compiled: what the writer and the readers have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/value.hpp"
#include "engines/common/parameter_binding.hpp"
#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/statement_text.hpp"

struct sqlite3_stmt;

namespace quorate {

class ClientStatement {
 public:
  // Exactly one statement. Errors: sql_error, forbidden_sql, statement_timeout, and those of the database.
  static Result<ClientStatement> compile(Connection& connection, const std::string& sql);

  StatementKind kind() const { return kind_; }
  bool only_reads() const;
  // The table that it creates from a SELECT, or empty.
  const std::string& creates() const { return creates_; }

  // Binds without copying: `parameters` must stay as they are until finish(). Errors: parameter_mismatch,
  // limit_exceeded.
  Result<void> bind(const Parameters& parameters);

  // For many rows: for each placeholder its place in a row, and then row by row, likewise without copying. rewind() ends
  // the run with a row, and keeps what is bound for the next one to replace. Errors: as bind().
  Result<std::vector<std::size_t>> match(const ParameterRows& rows) const;
  Result<void> bind_row(const std::vector<ValueView>& row, const std::vector<std::size_t>& places);
  void rewind();

  // True when there is a row to read, false at the end. Errors: those of running it.
  Result<bool> step(Connection& connection);

  Row row() const;
  std::vector<std::string> columns() const;
  std::vector<std::string> declared_types() const;  // upper case

  // Ends the run and forgets the parameters. The statement can be bound again.
  void finish();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  StatementKind kind_ = StatementKind::other;
  Placeholders placeholders_;
  std::string creates_;
};

// Finishes a statement when the scope is left.
class StatementRun {
 public:
  explicit StatementRun(ClientStatement& statement) : statement_(statement) {}
  ~StatementRun() { statement_.finish(); }
  StatementRun(const StatementRun&) = delete;
  StatementRun& operator=(const StatementRun&) = delete;

 private:
  ClientStatement& statement_;
};

}  // namespace quorate
