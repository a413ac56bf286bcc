// The digest covers every way in which rows and schema can change.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

// Applies `sql` one by one on two engines, the last on the one only in the form `other`; says whether digests differ.
bool notices(std::vector<std::string> sql, const std::string& other) {
  TestEngine a("sqlite", "n1");
  TestEngine b("sqlite", "n2");
  const std::string last = sql.back();
  sql.pop_back();
  for (const std::string& each : sql) {
    a.apply(std::vector<std::string>{each});
    b.apply(std::vector<std::string>{each});
  }
  CHECK(a.digest() == b.digest());
  CHECK(a.content() == b.content());
  TestEngine control("sqlite", "n3");
  for (const std::string& each : sql) control.apply(std::vector<std::string>{each});
  control.apply(std::vector<std::string>{last});
  a.apply(std::vector<std::string>{last});
  CHECK(a.digest() == control.digest());
  CHECK(a.content() == control.content());
  b.apply(std::vector<std::string>{other});
  return a.digest() != b.digest() && a.content() != b.content();
}

TEST_CASE("sqlite: WITHOUT ROWID tables") {
  const std::vector<std::string> base{
      "CREATE TABLE w (a TEXT, v, b INTEGER, PRIMARY KEY (b DESC, a)) WITHOUT ROWID",
      "CREATE INDEX i ON w (v, a, b)", "INSERT INTO w VALUES ('x', 1, 2), ('y', 2, 1), ('a', 3, 2)"};
  const auto with = [&](const std::string& last) {
    std::vector<std::string> sql = base;
    sql.push_back(last);
    return sql;
  };
  CHECK(notices(with("INSERT INTO w VALUES ('z', 1, 1)"), "INSERT INTO w VALUES ('z', 2, 1)"));
  CHECK(notices(with("UPDATE w SET v = 9 WHERE a = 'x'"), "UPDATE w SET v = 9 WHERE a = 'y'"));
  CHECK(notices(with("UPDATE w SET b = 9 WHERE a = 'x'"), "UPDATE w SET b = 8 WHERE a = 'x'"));
  CHECK(notices(with("DELETE FROM w WHERE a = 'x'"), "DELETE FROM w WHERE a = 'a'"));
  CHECK(notices(with("REPLACE INTO w VALUES ('x', 5, 2)"), "REPLACE INTO w VALUES ('x', 6, 2)"));
}

TEST_CASE("sqlite: changes that are not plain row writes") {
  CHECK(notices({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)", "DELETE FROM t"},
                "DELETE FROM t WHERE a = 1"));
  CHECK(notices({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "CREATE TABLE c AS SELECT a FROM t"},
                "CREATE TABLE c AS SELECT a + 1 AS a FROM t"));
  CHECK(notices({"CREATE TABLE t (a)", "ALTER TABLE t ADD COLUMN b DEFAULT 1"},
                "ALTER TABLE t ADD COLUMN b DEFAULT 2"));
  CHECK(notices({"CREATE TABLE t (a, b, c)", "ALTER TABLE t DROP COLUMN b"}, "ALTER TABLE t DROP COLUMN c"));
  CHECK(notices({"CREATE TABLE t (a)", "CREATE INDEX i ON t (a)"}, "CREATE INDEX i ON t (a DESC)"));
  CHECK(notices({"CREATE TABLE t (a)", "CREATE TABLE u (a)", "DROP TABLE t"}, "DROP TABLE u"));
  CHECK(notices({"CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO t VALUES (5)",
                 "UPDATE sqlite_sequence SET seq = 7"},
                "UPDATE sqlite_sequence SET seq = 8"));
  CHECK(notices({"CREATE TABLE t (rowid TEXT, _rowid_ TEXT, oid TEXT)",
                 "INSERT INTO t VALUES ('a', 'b', 'c')", "INSERT INTO t VALUES ('d', 'e', 'f')"},
                "INSERT INTO t VALUES ('d', 'e', 'g')"));
  CHECK(notices({"CREATE TABLE t (a, g GENERATED ALWAYS AS (a + 1) VIRTUAL, s AS (a * 2) STORED)",
                 "INSERT INTO t (a) VALUES (1)"},
                "INSERT INTO t (a) VALUES (2)"));
}

TEST_CASE("sqlite: triggers, upserts and REPLACE") {
  const std::vector<std::string> base{
      "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, v)", "CREATE TABLE log (x)",
      "CREATE TRIGGER tr AFTER DELETE ON t WHEN old.v > 1 BEGIN INSERT INTO log VALUES (old.v); END",
      "INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)"};
  const auto with = [&](const std::string& last) {
    std::vector<std::string> sql = base;
    sql.push_back(last);
    return sql;
  };
  CHECK(notices(with("DELETE FROM t WHERE id = 2"), "DELETE FROM t WHERE id = 3"));
  CHECK(notices(with("REPLACE INTO t VALUES (9, 1, 5)"), "REPLACE INTO t VALUES (9, 2, 5)"));
  CHECK(notices(with("INSERT INTO t VALUES (1, 8, 8) ON CONFLICT (id) DO UPDATE SET v = excluded.v"),
                "INSERT INTO t VALUES (2, 8, 8) ON CONFLICT (id) DO UPDATE SET v = excluded.v"));
}

TEST_CASE("sqlite: virtual tables are digested through their own tables") {
  CHECK(notices({"CREATE VIRTUAL TABLE ft USING fts5(x)", "INSERT INTO ft VALUES ('one two')",
                 "INSERT INTO ft VALUES ('three')"},
                "INSERT INTO ft VALUES ('four')"));
  CHECK(notices({"CREATE VIRTUAL TABLE ft USING fts4(x)", "INSERT INTO ft VALUES ('one two')",
                 "UPDATE ft SET x = 'three'"},
                "UPDATE ft SET x = 'four'"));
  CHECK(notices({"CREATE VIRTUAL TABLE rt USING rtree(id, a, b)", "INSERT INTO rt VALUES (1, 0, 1)",
                 "INSERT INTO rt VALUES (2, 0, 1)"},
                "INSERT INTO rt VALUES (2, 0, 2)"));
}

TEST_CASE("sqlite: what FTS5 holds back is complete with its transaction") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE VIRTUAL TABLE ft USING fts5(x)"});
  const auto words = [](const std::string& word) {
    return transaction(
        {statement("INSERT INTO ft VALUES (?)", {text(word)}), statement("INSERT INTO ft VALUES ('all')")});
  };
  TimedTransaction bad = words("lost");
  bad.transaction.statements.push_back(statement("SELECT * FROM absent"));
  PreparedBatch prepared = expect_value(prepare_batch(*engine, {words("one"), bad, words("two")}, {}));
  CHECK_FALSE(prepared.outcome().transactions[1].has_value());
  expect_ok(prepared.commit({2, 1}));
  CHECK(engine.value("SELECT count(*) FROM ft('all')") == integer(2));
  CHECK(engine.value("SELECT count(*) FROM ft('lost')") == integer(0));
  engine.apply({"INSERT INTO ft (ft) VALUES ('integrity-check')"});
}

}  // namespace
}  // namespace quorate::testing
