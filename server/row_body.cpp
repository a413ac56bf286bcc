#include "server/row_body.hpp"

#include <algorithm>

#include "server/parameters_json.hpp"
#include "server/request_fields.hpp"
#include "server/row_id.hpp"

namespace quorate {

namespace {

std::string known_columns(const RowLayout& layout) {
  std::string names;
  for (const std::string& column : layout.columns) names += (names.empty() ? "" : ", ") + column;
  return names;
}

}  // namespace

Result<ColumnValues> decode_row(JsonValue& body, const TableDescription& table, const RowLayout& layout) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  ColumnValues values;
  for (JsonMember& member : **object) {
    const Place place = root.at(member.name);
    if (std::ranges::find(layout.columns, member.name) == layout.columns.end()) {
      return malformed(place, "is no column of the table \"" + layout.table +
                                  "\". Its columns are: " + known_columns(layout) + ".");
    }
    const ColumnDescription* column = table.find_column(member.name);
    if (column != nullptr && column->generated) {
      return malformed(place, "is a generated column: its value follows from others and cannot be given.");
    }
    Result<Value> value = decode_value(place, member.value);
    if (!value) return std::unexpected(std::move(value.error()));
    values.emplace_back(std::move(member.name), std::move(*value));
  }
  return values;
}

Result<ColumnValues> without_identity(ColumnValues values, const RowLayout& layout, const Row& key,
                                      const RowPrecondition& precondition) {
  const Place root;
  ColumnValues kept;
  for (auto& [column, value] : values) {
    const auto place = root.at(column);
    const auto position =
        std::ranges::find(layout.key, column, [&](std::size_t i) { return layout.columns[i]; });
    const bool is_version = layout.version && layout.columns[*layout.version] == column;
    if (position != layout.key.end()) {
      const Value& named = key[static_cast<std::size_t>(position - layout.key.begin())];
      if (is_same_key(value, named)) continue;
      return malformed(
          place,
          "is part of the row's key and differs from the path. A key cannot be changed: delete the "
          "row and create another.");
    }
    if (!is_version || precondition.kind == RowPrecondition::Kind::absent) {
      kept.emplace_back(std::move(column), std::move(value));
    } else if (precondition.kind != RowPrecondition::Kind::version || value != precondition.version) {
      return malformed(place,
                       "is counted up by the server. Leave it out, or send the version that If-Match names.");
    }
  }
  return kept;
}

std::vector<std::string> writable_columns(const TableDescription& table, const RowLayout& layout) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const ColumnDescription* column = table.find_column(layout.columns[i]);
    const bool is_key = std::ranges::find(layout.key, i) != layout.key.end();
    if (!is_key && i != layout.version && column != nullptr && !column->generated)
      names.push_back(column->name);
  }
  return names;
}

}  // namespace quorate
