// Finds the rows that conditions hold for, and runs SELECT.
#pragma once

#include <cstdint>
#include <vector>

#include "core/query.hpp"
#include "engines/memory/executor.hpp"

namespace quorate {

// The ids of the rows for which all conditions hold, in order; by index where a unique column is compared for equality.
// Errors: sql_error (no such column), statement_timeout.
Result<std::vector<std::int64_t>> matching_rows(const MemoryTable& table, const Conditions& conditions,
                                                const Execution& execution);

}  // namespace quorate
