// Finds the rows that conditions hold for, and runs SELECT.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/query.hpp"
#include "engines/memory/executor.hpp"

namespace quorate {

// The ids of the rows for which all conditions hold, in order; by index where a unique column is compared for equality.
// Errors: sql_error (no such column), statement_timeout.
Result<std::vector<std::int64_t>> matching_rows(const MemoryTable& table, const Conditions& conditions,
                                                const Execution& execution);

// What a SELECT has found: the ids of its rows in their order, or one row of aggregates. A value; it keeps the table as it
// was.
struct Selection {
  std::size_t size() const { return aggregates ? 1 : ids.size(); }
  Row row(std::size_t position) const;

  ResultHead head = {};
  MemoryTable table;
  std::vector<std::int64_t> ids = {};
  std::vector<std::size_t> columns = {};
  std::optional<Row> aggregates = {};
};

// Errors: sql_error, statement_timeout.
Result<Selection> select_rows(const MemoryContent& content, const Select& select, const Execution& execution);

// All its rows. Ends with truncated = true where the budget has no row left. Errors: result_too_large.
Result<QueryResult> read_rows(const Selection& selection, ResultBudget& budget);

}  // namespace quorate
