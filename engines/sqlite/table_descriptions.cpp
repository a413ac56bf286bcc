#include "engines/sqlite/table_descriptions.hpp"

#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <optional>

namespace quorate {
namespace {

// What is behind virtual tables is of the type 'shadow'. Names are compared without regard to case, as LIKE does.
constexpr const char* kUserTables =
    " WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE "
    "'\\' "
    "AND name NOT LIKE '\\_cluster\\_%' ESCAPE '\\' ORDER BY name";

SQLite::Statement user_tables(SQLite::Database& database, const std::string& table) {
  const std::string select = "SELECT name, type, wr FROM pragma_table_list";
  if (table.empty()) return {database, select + kUserTables};
  SQLite::Statement one(database, select + "(?)" + kUserTables);
  one.bind(1, table);
  return one;
}

TableDescription::Kind kind_of(const std::string& type) {
  if (type == "view") return TableDescription::Kind::view;
  if (type == "virtual") return TableDescription::Kind::virtual_table;
  return TableDescription::Kind::table;
}

// The column "hidden" is 1 for those of virtual tables, 2 and 3 for generated ones.
std::vector<ColumnDescription> columns_of(SQLite::Database& database, const std::string& table) {
  SQLite::Statement info(
      database,
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid");
  info.bind(1, table);
  std::vector<ColumnDescription> columns;
  while (info.executeStep()) {
    const int hidden = info.getColumn(5).getInt();
    ColumnDescription& column =
        columns.emplace_back(ColumnDescription{.name = info.getColumn(0).getString(),
                                               .type = info.getColumn(1).getString(),
                                               .not_null = info.getColumn(2).getInt() != 0,
                                               .key_position = info.getColumn(4).getInt(),
                                               .generated = hidden >= 2,
                                               .hidden = hidden == 1});
    if (!info.getColumn(3).isNull()) column.default_sql = info.getColumn(3).getString();
  }
  return columns;
}

// A view whose tables are gone has no columns, and is still there.
std::vector<ColumnDescription> columns_of_view(SQLite::Database& database, const std::string& view) {
  try {
    return columns_of(database, view);
  } catch (const SQLite::Exception& exception) {
    if (exception.getErrorCode() != SQLITE_ERROR) throw;
    return {};
  }
}

// An INTEGER PRIMARY KEY is the row id itself and the only key without an index.
bool key_is_row_id(SQLite::Database& database, const TableDescription& table) {
  if (table.primary_key().size() != 1) return false;
  SQLite::Statement index(database, "SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'");
  index.bind(1, table.name);
  return !index.executeStep();
}

std::string row_id_of(SQLite::Database& database, const TableDescription& table) {
  if (table.kind != TableDescription::Kind::table || table.without_rowid || key_is_row_id(database, table))
    return {};
  for (const char* name : std::array{"rowid", "_rowid_", "oid"}) {
    const auto has_name = [name](const ColumnDescription& column) {
      return sqlite3_stricmp(column.name.c_str(), name) == 0;
    };
    if (std::ranges::none_of(table.columns, has_name)) return name;
  }
  return {};
}

}  // namespace

std::vector<TableDescription> describe_tables(SQLite::Database& database, const std::string& table) {
  std::vector<TableDescription> tables;
  for (SQLite::Statement list = user_tables(database, table); list.executeStep();) {
    tables.push_back({.name = list.getColumn(0).getString(),
                      .kind = kind_of(list.getColumn(1).getString()),
                      .without_rowid = list.getColumn(2).getInt() != 0});
  }
  for (TableDescription& each : tables) {
    const bool is_view = each.kind == TableDescription::Kind::view;
    each.columns = is_view ? columns_of_view(database, each.name) : columns_of(database, each.name);
    each.row_id = row_id_of(database, each);
  }
  return tables;
}

}  // namespace quorate
