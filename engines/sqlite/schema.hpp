// Looks at a SQLite database's schema: what belongs to the user, and whether it leaves Quorate's own tables alone.
#pragma once

#include <SQLiteCpp/Database.h>

#include "core/engine.hpp"
#include "engines/common/change_digest.hpp"

namespace quorate {

// All of these throw SQLite::Exception.

// True when there are no user objects at all.
bool has_no_user_objects(SQLite::Database& database);

// Feeds the text of all user objects, in name order.
void feed_schema(SQLite::Database& database, ChangeDigest& digest);

// Feeds all rows of a table in the order of its primary key or row ids, and returns their number.
std::uint64_t feed_table(SQLite::Database& database, const std::string& table, ChangeDigest& digest);

// What the authorizer cannot see in a definition. Errors: forbidden_sql, for an object named _cluster_... that is not
// Quorate's own, and for a foreign key that refers to one.
Result<void> check_cluster_names(SQLite::Database& database);

// Every table that holds rows: also those behind virtual tables, and sqlite_sequence. Reads all of it; run it in a
// read transaction.
ContentDigest digest_content(SQLite::Database& database);

}  // namespace quorate
