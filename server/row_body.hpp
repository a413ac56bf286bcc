// A row as clients send it: one JSON object with values by column.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/table_description.hpp"
#include "server/json_value.hpp"
#include "server/row_layout.hpp"
#include "server/row_precondition.hpp"
#include "server/row_sql.hpp"

namespace quorate {

// Errors: malformed_request, also for a column that the table does not have or that is generated, by name.
Result<ColumnValues> decode_row(JsonValue& body, const TableDescription& table, const RowLayout& layout);

// Takes the key out, and for a row that is there also the version: both may be sent back as they were read, but not
// changed. Error: malformed_request, naming the column that differs from the path or from If-Match.
Result<ColumnValues> without_identity(ColumnValues values, const RowLayout& layout, const Row& key,
                                      const RowPrecondition& precondition);

// All columns that a client may set to something else, in their order.
std::vector<std::string> writable_columns(const TableDescription& table, const RowLayout& layout);

}  // namespace quorate
