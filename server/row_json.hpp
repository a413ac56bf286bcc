// Rows of a table as responses: one row with its version, or a page of them.
#pragma once

#include <optional>
#include <string>

#include "core/query.hpp"
#include "server/http_message.hpp"
#include "server/json_writer.hpp"
#include "server/row_layout.hpp"

namespace quorate {

// The row's version; NULL if it has none.
Value version_of(const RowLayout& layout, const Row& row);

// The row as an object, with ETag if it has a version. `row` begins with layout.columns.
HttpResponse row_response(unsigned status, const RowLayout& layout, Row row, IntegerStyle integers);

// The same with the header Location, if a path can name the row.
HttpResponse created_response(const RowLayout& layout, const Row& row, IntegerStyle integers);

// {"rows":[...],"next_cursor":...,"index":...}
std::string page_json(const RowLayout& layout, QueryResult result, IntegerStyle integers);

}  // namespace quorate
