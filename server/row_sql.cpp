#include "server/row_sql.hpp"

#include <algorithm>
#include <string_view>

namespace quorate {

namespace {

template <typename Items, typename Text>
std::string joined(const Items& items, std::string_view separator, Text text_of) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += separator;
    text += text_of(item);
  }
  return text;
}

// SQL text that grows together with its parameters.
class SqlBuilder {
 public:
  explicit SqlBuilder(const RowLayout& layout) : layout_(layout), table_(quoted_name(layout.table)) {}

  SqlBuilder& add(std::string_view text) {
    sql_ += text;
    return *this;
  }
  SqlBuilder& value(Value value) {
    values_.push_back(std::move(value));
    return add("?");
  }
  SqlBuilder& table() { return add(table_); }

  std::string column(std::string_view name) const { return table_ + '.' + quoted_name(name); }
  std::string columns(const std::vector<std::string>& names) const {
    return joined(names, ", ", [this](const std::string& name) { return column(name); });
  }
  std::string ordering() const {
    return joined(layout_.order, ", ",
                  [this](std::size_t position) { return column(layout_.selected[position]); });
  }
  std::string key_names() const {
    return joined(layout_.key, ", ",
                  [this](std::size_t position) { return quoted_name(layout_.columns[position]); });
  }
  const std::string& version() const { return layout_.columns[*layout_.version]; }
  std::string next_version() const { return "coalesce(" + column(version()) + ", 0) + 1"; }

  SqlBuilder& where_key(const Row& key) {
    for (std::size_t i = 0; i < key.size(); ++i) {
      add(i == 0 ? " WHERE " : " AND ").add(column(layout_.columns[layout_.key[i]])).add(" = ").value(key[i]);
    }
    return *this;
  }
  SqlBuilder& and_version(const RowPrecondition& precondition) {
    if (precondition.kind != RowPrecondition::Kind::version) return *this;
    return add(" AND ").add(column(version())).add(" = ").value(precondition.version);
  }
  SqlBuilder& returning() { return add(" RETURNING ").add(columns(layout_.columns)); }

  Query query() && {
    return {.sql = std::move(sql_), .parameters = {.positional = std::move(values_), .named = {}}};
  }
  Statement statement() && {
    return {.sql = std::move(sql_),
            .parameters = {.positional = std::move(values_), .named = {}},
            .expect_rows = 1};
  }

 private:
  const RowLayout& layout_;
  std::string table_;
  std::string sql_;
  Row values_;
};

// The rows after `last`: greater in the first value in which they differ. NULL comes before everything else, and a
// comparison of row values passes over it, which is right unless it is in `last` itself.
void add_after(SqlBuilder& sql, const RowLayout& layout, const Row& last) {
  const auto is_null = [](const Value& value) { return std::holds_alternative<Null>(value); };
  const auto column = [&](std::size_t i) { return sql.column(layout.selected[layout.order[i]]); };
  if (std::ranges::none_of(last, is_null)) {
    sql.add(" WHERE (").add(sql.ordering()).add(") > (");
    for (std::size_t i = 0; i < last.size(); ++i) sql.add(i == 0 ? "" : ", ").value(last[i]);
    sql.add(")");
    return;
  }
  for (std::size_t i = 0; i < last.size(); ++i) {
    sql.add(i == 0 ? " WHERE (" : " OR (");
    for (std::size_t equal = 0; equal < i; ++equal)
      sql.add(column(equal)).add(" IS ").value(last[equal]).add(" AND ");
    if (is_null(last[i])) {
      sql.add(column(i)).add(" IS NOT NULL)");
    } else {
      sql.add(column(i)).add(" > ").value(last[i]).add(")");
    }
  }
}

SqlBuilder insertion(const RowLayout& layout, ColumnValues values) {
  if (layout.version) {
    const std::string& version = layout.columns[*layout.version];
    const auto name_of = [](const auto& value) -> const std::string& { return value.first; };
    if (std::ranges::find(values, version, name_of) == values.end())
      values.emplace_back(version, std::int64_t{1});
  }
  SqlBuilder sql(layout);
  sql.add("INSERT INTO ").table();
  if (values.empty()) return std::move(sql.add(" DEFAULT VALUES"));
  sql.add(" (")
      .add(joined(values, ", ", [](const auto& value) { return quoted_name(value.first); }))
      .add(") VALUES (");
  bool first = true;
  for (auto& [column, value] : values)
    sql.add(std::exchange(first, false) ? "" : ", ").value(std::move(value));
  return std::move(sql.add(")"));
}

}  // namespace

std::string quoted_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

Query select_page(const RowLayout& layout, const Row& last, std::size_t limit) {
  SqlBuilder sql(layout);
  sql.add("SELECT ").add(sql.columns(layout.selected)).add(" FROM ").table();
  if (!last.empty()) add_after(sql, layout, last);
  sql.add(" ORDER BY ").add(sql.ordering()).add(" LIMIT ").value(static_cast<std::int64_t>(limit) + 1);
  Query query = std::move(sql).query();
  query.max_rows = limit;
  return query;
}

Query select_row(const RowLayout& layout, const Row& key) {
  SqlBuilder sql(layout);
  sql.add("SELECT ").add(sql.columns(layout.selected)).add(" FROM ").table().where_key(key).add(" LIMIT 1");
  return std::move(sql).query();
}

Statement insert_row(const RowLayout& layout, ColumnValues values) {
  return std::move(insertion(layout, std::move(values)).returning()).statement();
}

Statement create_row(const RowLayout& layout, ColumnValues values) {
  SqlBuilder sql = insertion(layout, std::move(values));
  sql.add(" ON CONFLICT (").add(sql.key_names()).add(") DO NOTHING").returning();
  return std::move(sql).statement();
}

Statement change_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition,
                     ColumnValues values) {
  SqlBuilder sql(layout);
  sql.add("UPDATE ").table().add(" SET ");
  for (auto& [column, value] : values)
    sql.add(quoted_name(column)).add(" = ").value(std::move(value)).add(", ");
  sql.add(quoted_name(sql.version())).add(" = ").add(sql.next_version());
  sql.where_key(key).and_version(precondition).returning();
  return std::move(sql).statement();
}

// The row is inserted over itself: what the INSERT leaves out is then, in `excluded`, its default.
Statement replace_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition,
                      ColumnValues values, const std::vector<std::string>& writable) {
  SqlBuilder sql(layout);
  sql.add("INSERT INTO ").table().add(" (").add(sql.key_names()).add(", ").add(quoted_name(sql.version()));
  for (const auto& [column, value] : values) sql.add(", ").add(quoted_name(column));
  sql.add(") SELECT ");
  for (const std::size_t position : layout.key) sql.add(sql.column(layout.columns[position])).add(", ");
  sql.add(sql.next_version());
  for (auto& [column, value] : values) sql.add(", ").value(std::move(value));
  sql.add(" FROM ").table().where_key(key).and_version(precondition);
  sql.add(" ON CONFLICT (").add(sql.key_names()).add(") DO UPDATE SET ");
  for (const std::string& column : writable) {
    sql.add(quoted_name(column)).add(" = excluded.").add(quoted_name(column)).add(", ");
  }
  sql.add(quoted_name(sql.version())).add(" = excluded.").add(quoted_name(sql.version())).returning();
  return std::move(sql).statement();
}

Statement remove_row(const RowLayout& layout, const Row& key, const RowPrecondition& precondition) {
  SqlBuilder sql(layout);
  sql.add("DELETE FROM ").table().where_key(key).and_version(precondition);
  return std::move(sql).statement();
}

}  // namespace quorate
