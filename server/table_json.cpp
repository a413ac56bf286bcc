#include "server/table_json.hpp"

#include "server/json_writer.hpp"

namespace quorate {

namespace {

std::string_view name_of(TableDescription::Kind kind) {
  switch (kind) {
    case TableDescription::Kind::table: return "table";
    case TableDescription::Kind::view: return "view";
    case TableDescription::Kind::virtual_table: return "virtual";
  }
  return "table";
}

void append_flag(std::string& out, std::string_view name, bool value) {
  out.append(",\"").append(name).append(value ? "\":true" : "\":false");
}

void append_column(std::string& out, const ColumnDescription& column) {
  out += "{\"name\":";
  append_json_string(out, column.name);
  out += ",\"type\":";
  append_json_string(out, column.type);
  append_flag(out, "not_null", column.not_null);
  out += ",\"default\":";
  if (column.default_sql) {
    append_json_string(out, *column.default_sql);
  } else {
    out += "null";
  }
  out += ",\"primary_key\":";
  append_json_integer(out, column.key_position);
  append_flag(out, "generated", column.generated);
  append_flag(out, "hidden", column.hidden);
  out += '}';
}

}  // namespace

void append_table(std::string& out, const TableDescription& table) {
  out += "{\"name\":";
  append_json_string(out, table.name);
  out += ",\"kind\":";
  append_json_string(out, name_of(table.kind));
  append_flag(out, "without_rowid", table.without_rowid);
  append_flag(out, "versioned",
              table.kind == TableDescription::Kind::table && table.version_column() != nullptr);
  out += ",\"columns\":[";
  bool first = true;
  for (const ColumnDescription& column : table.columns) {
    if (!std::exchange(first, false)) out += ',';
    append_column(out, column);
  }
  out += "]}";
}

}  // namespace quorate
