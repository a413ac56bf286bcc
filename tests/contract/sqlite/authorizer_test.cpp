// What the authorizer refuses, and what it must not.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("sqlite: forbidden statements") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a INTEGER PRIMARY KEY, b)", "INSERT INTO t VALUES (1, 1)",
                "CREATE VIRTUAL TABLE ft USING fts5(x)"});
  for (const char* sql : {
           "ATTACH ':memory:' AS x",
           "DETACH main",
           "BEGIN",
           "BEGIN IMMEDIATE",
           "COMMIT",
           "END",
           "ROLLBACK",
           "SAVEPOINT s",
           "RELEASE client_transaction",
           "ROLLBACK TO client_transaction",
           "VACUUM",
           "VACUUM INTO '/tmp/quorate-never'",
           "CREATE TEMP TABLE x (a)",
           "CREATE TABLE temp.x (a)",
           "CREATE VIEW temp.x AS SELECT 1",
           "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
           "CREATE TEMP VIEW x AS SELECT 1",
           "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
           "SELECT load_extension('x')",
           "INSERT INTO t (b) VALUES (load_extension('x'))",
           "SELECT fts3_tokenizer('simple')",
           "INSERT INTO _cluster_meta (id) VALUES (2)",
           "UPDATE _cluster_meta SET node_id = 'x'",
           "UPDATE \"_Cluster_Meta\" SET node_id = 'x'",
           "DELETE FROM _cluster_meta",
           "DELETE FROM main._cluster_meta",
           "WITH x AS (SELECT 1) DELETE FROM _cluster_meta",
           "REPLACE INTO _cluster_meta (id) VALUES (1)",
           "DROP TABLE _cluster_meta",
           "ALTER TABLE _cluster_meta ADD COLUMN x",
           "ALTER TABLE _cluster_meta RENAME TO x",
           "ALTER TABLE t RENAME TO _cluster_t",
           "CREATE INDEX x ON _cluster_meta (node_id)",
           "CREATE INDEX _cluster_i ON t (b)",
           "CREATE TRIGGER x AFTER UPDATE ON _cluster_meta BEGIN SELECT 1; END",
           "CREATE TABLE _cluster_x (a)",
           "CREATE TABLE _CLUSTER_x AS SELECT 1",
           "CREATE VIEW _cluster_v AS SELECT 1",
           "CREATE VIRTUAL TABLE _cluster_f USING fts5(x)",
           "CREATE VIRTUAL TABLE _cluster USING fts5(x)",
           "CREATE TABLE x (a REFERENCES _cluster_meta (node_id))",
           "INSERT INTO t (b) SELECT node_id FROM _cluster_meta",
           "SELECT count(*) FROM _cluster_meta",
           "SELECT (SELECT role FROM _cluster_meta)",
           "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x (a)')",
           "UPDATE sqlite_master SET sql = ''",
           "DELETE FROM sqlite_schema",
           "UPDATE ft_data SET block = x'00'",
           "DELETE FROM ft_content",
           "SELECT * FROM dbstat",
           "CREATE VIRTUAL TABLE x USING dbstat",
           "SELECT * FROM sqlite_stmt",
           "INSERT INTO t (b) SELECT data_version FROM pragma_data_version('main')",
           "INSERT INTO t (b) SELECT page_count FROM pragma_page_count",
           "INSERT INTO t (b) SELECT file FROM pragma_database_list",
           "PRAGMA foreign_keys = OFF",
           "PRAGMA foreign_keys(0)",
           "PRAGMA journal_mode = DELETE",
           "PRAGMA journal_mode",
           "PRAGMA synchronous = OFF",
           "PRAGMA writable_schema = ON",
           "PRAGMA user_version = 5",
           "PRAGMA data_version",
           "PRAGMA wal_checkpoint",
           "PRAGMA defer_foreign_keys = ON",
           "PRAGMA recursive_triggers = ON",
           "PRAGMA optimize",
           "PRAGMA nonsense",
       }) {
    INFO(std::string(sql));
    const Error error = engine.failure(sql);
    CAPTURE(error.message);
    CHECK(error.code == ErrorCode::forbidden_sql);
    CHECK(error.statement == 0);
    CHECK(error.message.size() > 20);
  }
  engine.apply({"UPDATE t SET b = 2"});
  expect_ok(engine->check_health());
}

TEST_CASE("sqlite: a trigger cannot do what its statement may not") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)",
                "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE _cluster_meta SET node_id = 'evil'; END"});
  CHECK(engine.failure("INSERT INTO t VALUES (1)").code == ErrorCode::forbidden_sql);
  engine.apply(
      {"DROP TRIGGER x", "CREATE VIEW v AS SELECT node_id FROM _cluster_meta", "INSERT INTO t VALUES (1)"});
  CHECK(engine.failure("INSERT INTO t SELECT node_id FROM v").code == ErrorCode::forbidden_sql);
  CHECK(engine.value("SELECT node_id FROM v") == text("n1"));
}

TEST_CASE("sqlite: statements that look alike are allowed") {
  TestEngine engine("sqlite");
  for (const char* sql : {
           "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b REFERENCES t (a))",
           "CREATE TABLE cluster_meta (a)",
           "CREATE TABLE x_cluster_ (a)",
           "CREATE TABLE xclusterx (a)",
           "CREATE INDEX i ON t (b)",
           "CREATE VIEW v AS SELECT a FROM t",
           "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO cluster_meta VALUES (new.a); END",
           "INSERT INTO t (b) VALUES (NULL)",
           "ALTER TABLE t ADD COLUMN c",
           "ALTER TABLE t RENAME COLUMN c TO d",
           "ALTER TABLE t DROP COLUMN d",
           "ALTER TABLE x_cluster_ RENAME TO y",
           "ANALYZE",
           "ANALYZE t",
           "REINDEX",
           "REINDEX i",
           "UPDATE sqlite_sequence SET seq = 100",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) INSERT INTO y SELECT "
           "i FROM n",
           "SELECT * FROM json_each('[1, 2]')",
           "SELECT sql FROM sqlite_schema",
           "SELECT * FROM pragma_table_info('t')",
           "PRAGMA table_info(t)",
           "PRAGMA foreign_key_list(t)",
           "PRAGMA foreign_key_check",
           "PRAGMA integrity_check",
           "PRAGMA user_version",
           "EXPLAIN QUERY PLAN SELECT * FROM t",
           "VALUES (1, 2)",
           "DROP VIEW v",
           "DROP INDEX i",
           "DROP TABLE y",
           "CREATE VIRTUAL TABLE ft USING fts5(x)",
           "INSERT INTO ft VALUES ('word')",
           "INSERT INTO ft (ft) VALUES ('optimize')",
           "CREATE VIRTUAL TABLE rt USING rtree(id, a, b)",
           "INSERT INTO rt VALUES (1, 0, 1)",
           "DROP TABLE ft",
       }) {
    INFO(std::string(sql));
    engine.apply({sql});
  }
}

TEST_CASE("sqlite: what a reader may see, and may not do") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE VIRTUAL TABLE rt USING rtree(id, a, b)", "INSERT INTO rt VALUES (1, 0, 1)",
                "CREATE VIRTUAL TABLE ft USING fts5(x)", "INSERT INTO ft VALUES ('one word')"});
  for (const char* sql : {"SELECT * FROM rt WHERE a > -1", "SELECT * FROM ft WHERE ft MATCH 'word'",
                          "SELECT sum(pgsize) FROM dbstat", "PRAGMA page_count", "PRAGMA table_info(ft)",
                          "SELECT datetime('now'), random(), changes()", "EXPLAIN SELECT 1",
                          "WITH x AS (SELECT 1) SELECT * FROM x"}) {
    INFO(std::string(sql));
    const Result<QueryResult> result = engine.query(sql);
    CAPTURE((result ? std::string() : result.error().message));
    REQUIRE(result.has_value());
    CHECK_FALSE(result->rows.empty());
  }
  for (const char* sql :
       {"PRAGMA journal_mode = DELETE", "PRAGMA query_only = OFF", "PRAGMA wal_checkpoint(TRUNCATE)",
        "CREATE TEMP TABLE x (a)", "SELECT load_extension('x')", "VACUUM INTO '/tmp/quorate-never'",
        "INSERT INTO ft VALUES ('x')", "DELETE FROM rt", "ANALYZE", "REINDEX"}) {
    INFO(std::string(sql));
    CHECK(engine.query(sql).error().code == ErrorCode::forbidden_sql);
  }
}

}  // namespace
}  // namespace quorate::testing
