// What can be told of a SQL statement from its text alone. SQLite itself parses; this only finds the verb.
#pragma once

#include <string_view>

namespace quorate {

// What a statement does to the number of rows it must touch, and whether it may change the schema.
enum class StatementKind {
  read,    // SELECT, VALUES, EXPLAIN, PRAGMA
  insert,  // also REPLACE
  update,
  remove,  // DELETE
  other,   // CREATE, DROP, ALTER, ANALYZE, ...
};

// Looks behind comments and WITH.
StatementKind kind_of(std::string_view sql);

// True when nothing but blanks, comments and semicolons is in the text.
bool is_blank(std::string_view sql);

}  // namespace quorate
