// Evaluates the memory engine's expressions.
#pragma once

#include <cstdint>
#include <vector>

#include "core/error.hpp"
#include "engines/common/transaction_random.hpp"
#include "engines/memory/content.hpp"
#include "engines/memory/syntax.hpp"

namespace quorate {

// What an expression can see besides the row.
struct Scope {
  const std::vector<const Value*>* parameters = nullptr;
  std::int64_t clock_us = 0;
  TransactionRandom* random = nullptr;
};

// Errors: sql_error, for a column that the table does not have. `table` may be null: no column is known then.
Result<void> check_columns(const Expression& expression, const TableDefinition* table);

// `row` may be null where check_columns() passed without a table.
Value evaluate(const Expression& expression, const Scope& scope, const TableDefinition* table,
               const Row* row);

// Whether `left comparison right` is true; it is not when either is NULL.
bool holds(const Value& left, Condition::Operator comparison, const Value& right);

}  // namespace quorate
