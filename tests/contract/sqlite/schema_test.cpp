// What only SQLite's tables have.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TableDescription describe(const std::string& table, const std::vector<std::string>& definitions) {
  TestEngine engine("sqlite");
  engine.apply(definitions);
  const auto reader = expect_value(engine->open_reader());
  const SchemaDescription schema = expect_value(reader->describe_tables(table, Deadline::max()));
  REQUIRE(schema.tables.size() == 1);
  CHECK(expect_value(from_rows(expect_value(to_rows(schema, {})))).tables == schema.tables);
  return schema.tables[0];
}

TEST_CASE("sqlite: defaults, generated columns and the order of the key are described") {
  const TableDescription table = describe(
      "t", {"CREATE TABLE t (a TEXT DEFAULT 'x', b INT DEFAULT (1 + 1), g AS (a || b), \"v e\" varchar(9), "
            "PRIMARY KEY (b, a)) WITHOUT ROWID"});
  CHECK(table.without_rowid);
  CHECK(table.row_id.empty());
  CHECK(table.find_column("a")->default_sql == "'x'");
  CHECK(table.find_column("b")->default_sql == "1 + 1");
  CHECK_FALSE(table.find_column("g")->default_sql.has_value());
  CHECK(table.find_column("g")->generated);
  CHECK(table.find_column("v e")->type == "varchar(9)");
  CHECK(table.find_column("V e") == nullptr);
  REQUIRE(table.primary_key().size() == 2);
  CHECK(table.primary_key()[0]->name == "b");
  CHECK(table.primary_key()[1]->name == "a");
}

TEST_CASE("sqlite: the row id has a name where the key is not the row id") {
  CHECK(describe("t", {"CREATE TABLE t (id INTEGER PRIMARY KEY)"}).row_id.empty());
  CHECK(describe("t", {"CREATE TABLE t (id INTEGER PRIMARY KEY DESC)"}).row_id == "rowid");
  CHECK(describe("t", {"CREATE TABLE t (id INT PRIMARY KEY)"}).row_id == "rowid");
  CHECK(describe("t", {"CREATE TABLE t (id TEXT, RowId INT)"}).row_id == "_rowid_");
  CHECK(describe("t", {"CREATE TABLE t (rowid, _rowid_, oid)"}).row_id.empty());
}

TEST_CASE("sqlite: views and virtual tables are told apart, and what is behind them is left out") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)", "INSERT INTO t (a) VALUES (1)",
                "ANALYZE", "CREATE VIEW v AS SELECT a, a + 1 AS b FROM t",
                "CREATE VIEW broken AS SELECT * FROM gone", "CREATE VIRTUAL TABLE words USING fts5(body)"});
  const auto reader = expect_value(engine->open_reader());
  const SchemaDescription schema = expect_value(reader->describe_tables("", Deadline::max()));
  REQUIRE(schema.tables.size() == 4);
  CHECK(schema.tables[0].name == "broken");
  CHECK(schema.tables[0].columns.empty());
  CHECK(schema.tables[1].name == "t");
  CHECK(schema.tables[2].kind == TableDescription::Kind::view);
  CHECK(schema.tables[2].columns.size() == 2);
  CHECK(schema.tables[3].kind == TableDescription::Kind::virtual_table);
  CHECK(schema.tables[3].find_column("words")->hidden);
  CHECK(expect_value(from_rows(expect_value(to_rows(schema, {})))).tables == schema.tables);
}

TEST_CASE("sqlite: a description past its deadline is not made") {
  TestEngine engine("sqlite");
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back("CREATE TABLE t" + std::to_string(i) + " (a, b, c)");
  engine.apply(many);
  const auto reader = expect_value(engine->open_reader());
  const auto late = reader->describe_tables("", std::chrono::steady_clock::now() - std::chrono::seconds(1));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == ErrorCode::statement_timeout);
}

}  // namespace
}  // namespace quorate::testing
