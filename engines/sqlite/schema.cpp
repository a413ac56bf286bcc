#include "engines/sqlite/schema.hpp"

#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace quorate {
namespace {

// Of sqlite_schema: the user's objects. Names of both kinds are reserved without regard to case.
constexpr const char* kUserObjects =
    "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name NOT LIKE '\\_cluster\\_%' ESCAPE '\\'";

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

struct TableColumns {
  std::vector<std::string> names;        // in lower case
  std::vector<std::string> primary_key;  // in key order
};

TableColumns columns_of(SQLite::Database& database, const std::string& table) {
  SQLite::Statement info(database, "SELECT name, pk FROM pragma_table_xinfo(?)");
  info.bind(1, table);
  TableColumns columns;
  std::vector<std::pair<int, std::string>> key;
  while (info.executeStep()) {
    std::string name = info.getColumn(0).getString();
    if (info.getColumn(1).getInt() > 0) key.emplace_back(info.getColumn(1).getInt(), name);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    columns.names.push_back(std::move(name));
  }
  std::ranges::sort(key);
  for (auto& [position, name] : key) columns.primary_key.push_back(std::move(name));
  return columns;
}

bool is_without_rowid(SQLite::Database& database, const std::string& table) {
  SQLite::Statement list(database, "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?");
  list.bind(1, table);
  return list.executeStep() && list.getColumn(0).getInt() == 1;
}

// A query for all rows in an order that is the same on equal nodes.
std::string ordered_rows(SQLite::Database& database, const std::string& table) {
  const std::string from = " FROM " + quoted(table) + " NOT INDEXED";
  if (table == "sqlite_sequence") return "SELECT name, seq FROM sqlite_sequence ORDER BY name";
  const TableColumns columns = columns_of(database, table);
  if (is_without_rowid(database, table)) {
    std::string order;
    for (const std::string& name : columns.primary_key) order += (order.empty() ? "" : ", ") + quoted(name);
    return "SELECT *" + from + " ORDER BY " + order;
  }
  // A column may take the name of the row id away. With all three taken, the table's own order is still by row id.
  static constexpr std::array<const char*, 3> kRowIds{"rowid", "_rowid_", "oid"};
  for (const char* row_id : kRowIds) {
    if (std::ranges::find(columns.names, row_id) != columns.names.end()) continue;
    return std::string("SELECT ") + row_id + ", *" + from + " ORDER BY " + row_id;
  }
  return "SELECT *" + from;
}

void feed_column(ChangeDigest& digest, const SQLite::Column& column) {
  if (column.isInteger()) {
    digest.add_integer(column.getInt64());
  } else if (column.isFloat()) {
    digest.add_real(column.getDouble());
  } else if (column.isText()) {
    digest.add_text(column.getString());
  } else if (column.isBlob()) {
    const auto* bytes = static_cast<const char*>(column.getBlob());
    digest.add_blob({bytes, static_cast<std::size_t>(column.getBytes())});
  } else {
    digest.add_null();
  }
}

}  // namespace

bool has_no_user_objects(SQLite::Database& database) {
  return database.execAndGet(std::string("SELECT count(*) FROM sqlite_schema WHERE ") + kUserObjects)
             .getInt() == 0;
}

void feed_schema(SQLite::Database& database, ChangeDigest& digest) {
  digest.add_tag('s');
  SQLite::Statement objects(
      database, std::string("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE ") + kUserObjects +
                    " ORDER BY name, type");
  while (objects.executeStep()) {
    for (int i = 0; i < objects.getColumnCount(); ++i) feed_column(digest, objects.getColumn(i));
  }
}

std::uint64_t feed_table(SQLite::Database& database, const std::string& table, ChangeDigest& digest) {
  SQLite::Statement rows(database, ordered_rows(database, table));
  std::uint64_t count = 0;
  while (rows.executeStep()) {
    ++count;
    for (int i = 0; i < rows.getColumnCount(); ++i) feed_column(digest, rows.getColumn(i));
  }
  return count;
}

Result<void> check_cluster_names(SQLite::Database& database) {
  SQLite::Statement names(database,
                          "SELECT name FROM sqlite_schema WHERE name LIKE '\\_cluster\\_%' ESCAPE '\\' "
                          "AND tbl_name NOT IN ('_cluster_meta', '_cluster_keys')");
  if (names.executeStep()) {
    return fail(ErrorCode::forbidden_sql, "Names that begin with _cluster_ belong to the cluster.");
  }
  SQLite::Statement keys(database,
                         "SELECT 1 FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS k "
                         "WHERE s.type = 'table' AND k.\"table\" LIKE '\\_cluster\\_%' ESCAPE '\\'");
  if (keys.executeStep()) {
    return fail(ErrorCode::forbidden_sql, "A foreign key cannot refer to a _cluster_ table.");
  }
  return {};
}

ContentDigest digest_content(SQLite::Database& database) {
  ContentDigest result;
  ChangeDigest digest;
  feed_schema(database, digest);
  result.schema = digest.finish();
  SQLite::Statement tables(
      database,
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') "
      "AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence') "
      "AND (name NOT LIKE '\\_cluster\\_%' ESCAPE '\\' OR name = '_cluster_keys')");
  std::vector<std::string> names;
  while (tables.executeStep()) names.push_back(tables.getColumn(0).getString());
  for (const std::string& name : names) {
    digest.reset();
    const std::uint64_t rows = feed_table(database, name, digest);
    if (rows == 0 && name == "_cluster_keys") continue;
    result.tables[name] = {digest.finish(), rows};
  }
  return result;
}

}  // namespace quorate
