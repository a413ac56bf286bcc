// The SQL behind the rows of the API. Every name in it is quoted, and qualified where it is read, because a quoted name
// that no column has would else be taken for a text; every value is a parameter. What is text here comes from the
// database's own description of its table, never from a client.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/query.hpp"
#include "core/transaction.hpp"
#include "server/row_layout.hpp"
#include "server/row_precondition.hpp"

namespace quorate {

// Values by column, of columns that the table has.
using ColumnValues = std::vector<std::pair<std::string, Value>>;

// A name as SQL text: "account".
std::string quoted_name(std::string_view name);

// The rows in order, those after `last` (values of layout.order; empty: from the first). Ends with truncated = true when
// there are more than `limit`. The rows have layout.selected.
Query select_page(const RowLayout& layout, const Row& last, std::size_t limit);

// The row of that key, with layout.selected; none if it is absent.
Query select_row(const RowLayout& layout, const Row& key);

// All of these expect to affect exactly one row (else row_count_mismatch), and those that leave one return it with
// layout.columns. A version that is not given begins with 1.
Statement insert_row(const RowLayout& layout, ColumnValues values);

// Inserts unless there is a row with that key; any other constraint that fails is an error. `values` has the key.
Statement create_row(const RowLayout& layout, ColumnValues values);

// These change the row that has the key and meets the precondition, if any. The layout has a version, which is counted
// up; `values` has neither it nor the key.
Statement change_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition,
                     ColumnValues values);
// Columns that `values` does not have get their default. `writable` are all that can be set, besides key and version.
Statement replace_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition,
                      ColumnValues values, const std::vector<std::string>& writable);
Statement remove_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition);

}  // namespace quorate
