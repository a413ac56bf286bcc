// How the rows of one table appear in the API: which columns they have, what names a row, and in which order pages go.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/table_description.hpp"
#include "core/value.hpp"

namespace quorate {

struct RowLayout {
  std::string table;
  std::vector<std::string> columns;  // of a row as clients see it
  // What is read of each row: `columns`, and the row id after them where it only serves to order rows.
  std::vector<std::string> selected;
  std::vector<std::size_t> key;  // positions in `columns` of what names a row, in key order
  std::vector<std::size_t>
      order;  // positions in `selected` that rows are ordered by; no two rows are equal in all
  std::optional<std::size_t> version = {};  // position in `columns`
};

// Tables without a primary key are addressed by their row id, which is then their first column. Where a row id exists
// besides a key, it decides between rows that are equal in the key: a key may hold NULLs. Error: not_a_table.
Result<RowLayout> layout_of(const TableDescription& table);

// The values at these positions.
Row pick(const Row& row, const std::vector<std::size_t>& positions);

}  // namespace quorate
