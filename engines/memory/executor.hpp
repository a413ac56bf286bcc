// Runs parsed statements on a memory content.
#pragma once

#include "core/query.hpp"
#include "core/transaction.hpp"
#include "engines/common/change_digest.hpp"
#include "engines/common/result_budget.hpp"
#include "engines/memory/content.hpp"
#include "engines/memory/expression.hpp"
#include "engines/memory/syntax.hpp"

namespace quorate {

// What running a statement needs and leaves behind.
struct Execution {
  Scope scope;
  Deadline deadline = Deadline::max();
  bool corrupt = false;             // test only: the next row inserted or updated gets a wrong value
  bool schema_changed = false;      // set by CREATE and DROP
  std::int64_t last_insert_id = 0;  // set by INSERT
};

// Runs a writing statement, or a SELECT, within a transaction. On failure the content is left half-changed: the caller
// puts back the copy that it made. Errors: sql_error, constraint_failed, forbidden_sql, statement_timeout,
// result_too_large.
Result<StatementResult> run_statement(MemoryContent& content, const ParsedStatement& parsed,
                                      Execution& execution, ChangeDigest& digest, ResultBudget& budget);

// True of UPDATE and DELETE, for which touching no row is a version conflict.
bool conflicts_without_rows(const ParsedStatement& parsed);

}  // namespace quorate
