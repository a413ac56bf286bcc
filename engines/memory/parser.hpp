// Parses one SQL statement of the memory engine's subset (syntax.hpp), by recursive descent.
#pragma once

#include <string_view>

#include "core/error.hpp"
#include "engines/memory/syntax.hpp"

namespace quorate {

// Exactly one statement. Errors: sql_error; forbidden_sql for the statements that no engine takes from a client.
Result<ParsedStatement> parse_statement(std::string_view sql);

}  // namespace quorate
