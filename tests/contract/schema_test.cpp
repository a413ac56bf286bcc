// How an engine describes its tables.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

SchemaDescription describe(TestEngine& engine, const std::string& table = "") {
  return expect_value(expect_value(engine->open_reader())->describe_tables(table, Deadline::max()));
}

std::vector<std::string> names(const SchemaDescription& schema) {
  std::vector<std::string> result;
  for (const TableDescription& table : schema.tables) result.push_back(table.name);
  return result;
}

TableDescription only(const SchemaDescription& schema) {
  REQUIRE(schema.tables.size() == 1);
  return schema.tables[0];
}

TEST_CASE("tables are described by name, with their columns in order, as of an index") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    CHECK(describe(engine).tables.empty());
    engine.apply({"CREATE TABLE b (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, Version INTEGER)"});
    engine.apply({"CREATE TABLE a (x)"});
    const SchemaDescription schema = describe(engine);
    CHECK(schema.index == 2);
    CHECK(names(schema) == std::vector<std::string>{"a", "b"});
    const TableDescription& table = schema.tables[1];
    CHECK(table.kind == TableDescription::Kind::table);
    CHECK_FALSE(table.without_rowid);
    CHECK(table.row_id.empty());
    REQUIRE(table.columns.size() == 3);
    CHECK(table.columns[0] == ColumnDescription{.name = "id", .type = "INTEGER", .key_position = 1});
    CHECK(table.columns[1] == ColumnDescription{.name = "owner", .type = "TEXT", .not_null = true});
    CHECK(table.version_column() == &table.columns[2]);
    CHECK(schema.tables[0].version_column() == nullptr);
    CHECK(schema.tables[0].primary_key().empty());
  });
}

TEST_CASE("one table is found as SQL would find it, and what belongs to the cluster is not") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE Account (id INTEGER PRIMARY KEY)", "CREATE TABLE other (x)"});
    CHECK(only(describe(engine, "aCCOUNT")).name == "Account");
    for (const char* absent :
         {"absent", "_cluster_meta", "sqlite_schema", "Account; DROP TABLE other", "%", "Acc%"}) {
      INFO(std::string(absent));
      CHECK(describe(engine, absent).tables.empty());
    }
  });
}

TEST_CASE("a pinned reader describes what it sees") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE a (x)"});
    const auto reader = expect_value(engine->open_reader());
    expect_value(reader->pin());
    engine.apply({"CREATE TABLE b (x)"});
    CHECK(names(expect_value(reader->describe_tables("", Deadline::max()))) == std::vector<std::string>{"a"});
    reader->unpin();
    CHECK(names(expect_value(reader->describe_tables("", Deadline::max()))).size() == 2);
  });
}

TEST_CASE("a description survives its form as rows") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE a (x INTEGER PRIMARY KEY, y TEXT NOT NULL)", "CREATE TABLE b (z)"});
    const SchemaDescription schema = describe(engine);
    const QueryResult rows = expect_value(to_rows(schema, {}));
    const SchemaDescription back = expect_value(from_rows(rows));
    CHECK(back.tables == schema.tables);
    CHECK(back.index == schema.index);
    Query small;
    small.max_bytes = 50;
    CHECK(to_rows(schema, small).error().code == ErrorCode::result_too_large);
  });
}

}  // namespace
}  // namespace quorate::testing
