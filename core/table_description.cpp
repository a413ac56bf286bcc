#include "core/table_description.hpp"

#include <algorithm>

namespace quorate {
namespace {

enum Place {
  at_table,
  at_kind,
  at_without_rowid,
  at_row_id,
  at_column,
  at_type,
  at_not_null,
  at_default,
  at_key,
  at_generated,
  at_hidden,
  place_count
};

constexpr std::string_view kVersion = "version";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_version(std::string_view name) {
  return std::ranges::equal(name, kVersion, {}, lower);
}

Value flag(bool value) {
  return std::int64_t{value ? 1 : 0};
}

Value optional_text(const std::optional<std::string>& text) {
  return text ? Value(*text) : Value(Null{});
}

Row head_of(const TableDescription& table) {
  Row row(place_count);
  row[at_table] = table.name;
  row[at_kind] = static_cast<std::int64_t>(table.kind);
  row[at_without_rowid] = flag(table.without_rowid);
  row[at_row_id] = table.row_id;
  return row;
}

Row row_of(const TableDescription& table, const ColumnDescription& column) {
  Row row = head_of(table);
  row[at_column] = column.name;
  row[at_type] = column.type;
  row[at_not_null] = flag(column.not_null);
  row[at_default] = optional_text(column.default_sql);
  row[at_key] = column.key_position;
  row[at_generated] = flag(column.generated);
  row[at_hidden] = flag(column.hidden);
  return row;
}

// Reads a row's values; a value of another type spoils it.
class RowReader {
 public:
  explicit RowReader(const Row& row) : row_(row) {}

  bool failed() const { return failed_; }
  bool has(Place place) const { return !std::holds_alternative<Null>(row_[place]); }
  std::string text(Place place) { return get<std::string>(place); }
  std::int64_t integer(Place place) { return get<std::int64_t>(place); }
  bool flag(Place place) { return integer(place) != 0; }

 private:
  template <typename T>
  T get(Place place) {
    if (const T* value = std::get_if<T>(&row_[place])) return *value;
    failed_ = true;
    return {};
  }

  const Row& row_;
  bool failed_ = false;
};

TableDescription read_table(RowReader& row) {
  return {.name = row.text(at_table),
          .kind = static_cast<TableDescription::Kind>(row.integer(at_kind)),
          .without_rowid = row.flag(at_without_rowid),
          .row_id = row.text(at_row_id)};
}

ColumnDescription read_column(RowReader& row) {
  ColumnDescription column{
      .name = row.text(at_column), .type = row.text(at_type), .not_null = row.flag(at_not_null)};
  if (row.has(at_default)) column.default_sql = row.text(at_default);
  column.key_position = row.integer(at_key);
  column.generated = row.flag(at_generated);
  column.hidden = row.flag(at_hidden);
  return column;
}

}  // namespace

const ColumnDescription* TableDescription::find_column(std::string_view column) const {
  const auto found = std::ranges::find(columns, column, &ColumnDescription::name);
  return found == columns.end() ? nullptr : &*found;
}

const ColumnDescription* TableDescription::version_column() const {
  const auto found = std::ranges::find_if(columns, is_version, &ColumnDescription::name);
  return found == columns.end() || found->generated || found->key_position > 0 ? nullptr : &*found;
}

std::vector<const ColumnDescription*> TableDescription::primary_key() const {
  std::vector<const ColumnDescription*> key;
  for (const ColumnDescription& column : columns) {
    if (column.key_position > 0) key.push_back(&column);
  }
  std::ranges::sort(key, {}, &ColumnDescription::key_position);
  return key;
}

Result<QueryResult> to_rows(const SchemaDescription& schema, const Query& query) {
  QueryResult result{.columns = {"table", "kind", "without_rowid", "row_id", "column", "type", "not_null",
                                 "default", "key", "generated", "hidden"},
                     .types = std::vector<std::string>(place_count),
                     .rows = {},
                     .index = schema.index};
  std::size_t bytes = 0;
  const auto add = [&](Row row) {
    for (const Value& value : row) bytes += size_of(value);
    result.rows.push_back(std::move(row));
    return bytes <= query.max_bytes;
  };
  for (const TableDescription& table : schema.tables) {
    bool fits = !table.columns.empty() || add(head_of(table));
    for (const ColumnDescription& column : table.columns) fits = fits && add(row_of(table, column));
    if (!fits) return fail(ErrorCode::result_too_large, "The schema is larger than an answer may be.");
  }
  return result;
}

Result<SchemaDescription> from_rows(const QueryResult& result) {
  SchemaDescription schema{.tables = {}, .index = result.index};
  for (const Row& values : result.rows) {
    const bool has_shape = values.size() == place_count;
    if (!has_shape) return fail(ErrorCode::corrupt, "A node described its tables in another form.");
    RowReader row(values);
    if (schema.tables.empty() || schema.tables.back().name != row.text(at_table)) {
      schema.tables.push_back(read_table(row));
    }
    if (row.has(at_column)) schema.tables.back().columns.push_back(read_column(row));
    const bool known = schema.tables.back().kind <= TableDescription::Kind::virtual_table;
    if (row.failed() || !known)
      return fail(ErrorCode::corrupt, "A node described its tables in another form.");
  }
  return schema;
}

}  // namespace quorate
