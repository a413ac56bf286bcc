#include <doctest/doctest.h>

#include <string>

#include "server/row_sql.hpp"

namespace quorate {
namespace {

using Kind = RowPrecondition::Kind;

// A table whose every name tries to leave its quotes.
const TableDescription kHostile{
    .name = "t\"; DROP TABLE x; --",
    .row_id = "rowid",
    .columns = {{.name = "k\"1", .key_position = 2}, {.name = "k2", .key_position = 1}, {.name = "version"}}};

RowLayout layout(const TableDescription& table) {
  Result<RowLayout> result = layout_of(table);
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("names are quoted and qualified, and values are parameters") {
  const Value evil = std::string("'; DROP TABLE x; --");
  const Query query = select_row(layout(kHostile), {evil, evil});
  const std::string table = "\"t\"\"; DROP TABLE x; --\"";
  CHECK(query.sql == "SELECT " + table + ".\"k\"\"1\", " + table + ".\"k2\", " + table + ".\"version\", " +
                         table + ".\"rowid\" FROM " + table + " WHERE " + table + ".\"k2\" = ? AND " + table +
                         ".\"k\"\"1\" = ? LIMIT 1");
  CHECK(query.parameters.positional == Row{evil, evil});
  const Statement statement =
      change_row(layout(kHostile), {evil, evil}, {.kind = Kind::version, .version = std::int64_t{3}}, {});
  CHECK(statement.sql.contains("UPDATE " + table + " SET \"version\" = coalesce(" + table +
                               ".\"version\", 0) + 1 "));
  CHECK(statement.sql.contains(" AND " + table + ".\"version\" = ?"));
  CHECK(statement.parameters.positional == Row{evil, evil, std::int64_t{3}});
  CHECK(statement.expect_rows == 1);
}

TEST_CASE("any version is not compared") {
  const RowPrecondition any{.kind = Kind::any_version};
  CHECK(remove_row(layout(kHostile), {std::int64_t{1}, std::int64_t{2}}, any).parameters.positional.size() ==
        2);
}

TEST_CASE(
    "rows are ordered by their key and then by their row id, so that pages neither repeat nor skip any") {
  const RowLayout rows = layout(kHostile);
  CHECK(rows.columns == std::vector<std::string>{"k\"1", "k2", "version"});
  CHECK(rows.selected.back() == "rowid");
  CHECK(rows.key == std::vector<std::size_t>{1, 0});
  CHECK(rows.order == std::vector<std::size_t>{1, 0, 3});
  CHECK(rows.version == 2);
  const Query first = select_page(rows, {}, 10);
  CHECK_FALSE(first.sql.contains("WHERE"));
  CHECK(first.max_rows == 10);
  CHECK(first.parameters.positional == Row{std::int64_t{11}});
  CHECK(select_page(rows, {Null{}, std::int64_t{1}, std::int64_t{1}}, 10).sql.contains(" IS NOT NULL"));
}

TEST_CASE("a table without a key is addressed by its row id") {
  const RowLayout rows = layout({.name = "t", .row_id = "oid", .columns = {{.name = "a"}}});
  CHECK(rows.columns == std::vector<std::string>{"oid", "a"});
  CHECK(rows.selected == rows.columns);
  CHECK(rows.key == std::vector<std::size_t>{0});
  CHECK(rows.order == rows.key);
  CHECK_FALSE(rows.version.has_value());
}

TEST_CASE("views, virtual tables and tables whose rows have no name are refused") {
  TableDescription table{.name = "v", .kind = TableDescription::Kind::view, .columns = {{.name = "a"}}};
  CHECK(layout_of(table).error().code == ErrorCode::not_a_table);
  table.kind = TableDescription::Kind::virtual_table;
  CHECK(layout_of(table).error().code == ErrorCode::not_a_table);
  table.kind = TableDescription::Kind::table;
  CHECK(layout_of(table).error().code == ErrorCode::not_a_table);
  table.columns[0].key_position = 1;
  CHECK(layout_of(table).has_value());
}

TEST_CASE("a version that is not given begins with 1, and one that is given is kept") {
  const RowLayout rows = layout(kHostile);
  CHECK(insert_row(rows, {{"k2", std::int64_t{7}}}).parameters.positional ==
        Row{std::int64_t{7}, std::int64_t{1}});
  CHECK(insert_row(rows, {{"version", std::int64_t{9}}}).parameters.positional == Row{std::int64_t{9}});
  const RowLayout plain = layout({.name = "t", .row_id = "rowid", .columns = {{.name = "a"}}});
  CHECK(insert_row(plain, {}).sql.starts_with("INSERT INTO \"t\" DEFAULT VALUES"));
}

}  // namespace quorate
