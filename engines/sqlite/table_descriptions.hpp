// Describes the user's tables and views by what SQLite's PRAGMAs tell of them.
#pragma once

#include <SQLiteCpp/Database.h>

#include <string>
#include <vector>

#include "core/table_description.hpp"

namespace quorate {

// The tables, or the one of that name; see Reader::describe_tables(). Run it in a read transaction. Throws
// SQLite::Exception.
std::vector<TableDescription> describe_tables(SQLite::Database& database, const std::string& table);

}  // namespace quorate
