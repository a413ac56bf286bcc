// The cursor of a page of rows: where the page ended, as text that clients hand back and do not look into. It names the
// last row by its values, not by a count, so that rows that come and go between two pages move nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/value.hpp"

namespace quorate {

// `last` has the values that the table's rows are ordered by. The text consists of letters, digits, '-' and '_'.
std::string write_cursor(std::string_view table, const Row& last);

// The inverse. Error: malformed_request, for anything that write_cursor() has not made for this table and number of
// values.
Result<Row> read_cursor(std::string_view cursor, std::string_view table, std::size_t values);

}  // namespace quorate
