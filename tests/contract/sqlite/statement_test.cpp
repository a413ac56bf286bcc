// The statement cache and the reading of statement texts.
#include "engines/sqlite/statement_cache.hpp"
#include "engines/sqlite/statement_text.hpp"
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("sqlite: the kind of a statement") {
  CHECK(kind_of("SELECT 1") == StatementKind::read);
  CHECK(kind_of(" ; (select 1)") == StatementKind::other);
  CHECK(kind_of("values (1)") == StatementKind::read);
  CHECK(kind_of("EXPLAIN DELETE FROM t") == StatementKind::read);
  CHECK(kind_of("insert into t values (1)") == StatementKind::insert);
  CHECK(kind_of("REPLACE INTO t VALUES (1)") == StatementKind::insert);
  CHECK(kind_of("/* a */ -- b\n\tUpDaTe t SET a = 1") == StatementKind::update);
  CHECK(kind_of("WITH a AS (SELECT ')' || \"(\" /* ) */), b(x) AS MATERIALIZED (SELECT (1)) DELETE FROM t") ==
        StatementKind::remove);
  CHECK(kind_of("WITH RECURSIVE \"delete\" AS (SELECT 1) SELECT 1") == StatementKind::read);
  CHECK(kind_of("WITH replace(x) AS (SELECT 1) UPDATE t SET a = 1") == StatementKind::update);
  CHECK(kind_of("CREATE TABLE t (a)") == StatementKind::other);
  CHECK(kind_of("") == StatementKind::other);
  CHECK(is_blank(" ; /* x */ -- y"));
  CHECK(is_blank("/* not closed"));
  CHECK_FALSE(is_blank("; x"));
}

TEST_CASE("sqlite: the statement cache is bounded in number and bytes") {
  const TemporaryDirectory directory;
  Connection connection(directory.path() / "x.db", Connection::Access::write);
  StatementCache cache;
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(cache.get(connection, "SELECT " + std::to_string(i)).has_value());
    REQUIRE(cache.get(connection, "SELECT 'hot'").has_value());
  }
  CHECK(cache.size() == StatementCache::kMaxStatements);
  const ClientStatement* hot = *cache.get(connection, "SELECT 'hot'");
  CHECK(*cache.get(connection, "SELECT 'hot'") == hot);
  for (int i = 0; i < 10; ++i) {
    const std::string large = "SELECT '" + std::string(1'000'000, static_cast<char>('a' + i)) + "'";
    REQUIRE(cache.get(connection, large).has_value());
  }
  CHECK(cache.size() <= 4);
  CHECK_FALSE(cache.get(connection, "SELECT absent").has_value());
  cache.clear();
  CHECK(cache.size() == 0);
}

TEST_CASE("sqlite: a cached statement follows changes of the schema") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"});
  const auto select = [&] { return engine.apply({"SELECT * FROM t"}).transactions[0]->statements[0]; };
  CHECK(select().columns.size() == 1);
  engine.apply({"ALTER TABLE t ADD COLUMN b DEFAULT 7"});
  CHECK(select().columns == std::vector<std::string>{"a", "b"});
  CHECK(select().rows == std::vector<Row>{{integer(1), integer(7)}});
  // Compiled while there was nothing to drop, and run again when there is.
  engine.apply({"DROP TABLE IF EXISTS u", "CREATE TABLE u (x)", "DROP TABLE IF EXISTS u"});
  CHECK(engine.failure("SELECT * FROM u").code == ErrorCode::sql_error);
}

TEST_CASE("sqlite: leading separators, NUL characters and long values") {
  TestEngine engine("sqlite");
  engine.apply({"; ;CREATE TABLE t (a)"});
  CHECK(engine.failure(std::string("SELECT 1\0; DROP TABLE t", 23)).code == ErrorCode::sql_error);
  CHECK(engine.failure("INSERT INTO t VALUES (zeroblob(100000000))").code == ErrorCode::limit_exceeded);
  CHECK(engine.failure("INSERT INTO t VALUES (randomblob(100000000))").code == ErrorCode::limit_exceeded);
  CHECK(engine.failure("INSERT INTO t VALUES (1) DELETE FROM t").code == ErrorCode::sql_error);
}

TEST_CASE("sqlite: text that is not UTF-8 is delivered as it is") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))"});
  CHECK(engine.value("SELECT a FROM t") == text("\xff\x41"));
}

}  // namespace
}  // namespace quorate::testing
