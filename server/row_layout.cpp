#include "server/row_layout.hpp"

#include <algorithm>

namespace quorate {

namespace {

Result<void> check_kind(const TableDescription& table) {
  const auto refuse = [&](std::string_view what) {
    return fail(ErrorCode::not_a_table,
                "\"" + table.name + "\" is " + std::string(what) +
                    ". Read it with POST /v1/query, and change it with POST /v1/transactions.");
  };
  if (table.kind == TableDescription::Kind::view) return refuse("a view");
  if (table.kind == TableDescription::Kind::virtual_table) return refuse("a virtual table");
  if (table.row_id.empty() && table.primary_key().empty()) {
    return refuse(
        "a table whose rows have no primary key, and whose columns have taken all names of the row id");
  }
  return {};
}

}  // namespace

Result<RowLayout> layout_of(const TableDescription& table) {
  const Result<void> kind = check_kind(table);
  if (!kind) return std::unexpected(kind.error());
  RowLayout layout{.table = table.name};
  const std::vector<const ColumnDescription*> key = table.primary_key();
  if (key.empty()) layout.columns.push_back(table.row_id);
  for (const ColumnDescription& column : table.columns) {
    if (!column.hidden) layout.columns.push_back(column.name);
  }
  const auto position_of = [&](const std::string& column) {
    return static_cast<std::size_t>(std::ranges::find(layout.columns, column) - layout.columns.begin());
  };
  layout.selected = layout.columns;
  for (const ColumnDescription* column : key) layout.key.push_back(position_of(column->name));
  if (key.empty()) layout.key.push_back(0);
  layout.order = layout.key;
  if (!key.empty() && !table.row_id.empty()) {
    layout.order.push_back(layout.selected.size());
    layout.selected.push_back(table.row_id);
  }
  if (const ColumnDescription* version = table.version_column()) layout.version = position_of(version->name);
  return layout;
}

Row pick(const Row& row, const std::vector<std::size_t>& positions) {
  Row picked;
  picked.reserve(positions.size());
  for (const std::size_t position : positions) picked.push_back(row[position]);
  return picked;
}

}  // namespace quorate
