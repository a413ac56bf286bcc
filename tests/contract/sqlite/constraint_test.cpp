// Constraints that SQLite would check only at COMMIT, and row counts of its less plain statements.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("sqlite: deferred foreign keys are checked before the transaction is complete") {
  TestEngine engine("sqlite");
  engine.apply(
      {"CREATE TABLE p (id INTEGER PRIMARY KEY)",
       "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)"});
  const TimedTransaction bad = transaction({statement("INSERT INTO p VALUES (1)"),
                                            statement("INSERT INTO c VALUES (1, 7)"), statement("SELECT 1")});
  const Error error = engine.failure(bad);
  CHECK(error.code == ErrorCode::constraint_failed);
  CHECK(error.statement == 1);
  const TimedTransaction good =
      transaction({statement("INSERT INTO c VALUES (1, 8)"), statement("INSERT INTO p VALUES (8)")});
  PreparedBatch prepared = expect_value(prepare_batch(*engine, {bad, good, bad}, {}));
  CHECK_FALSE(prepared.outcome().transactions[0].has_value());
  CHECK(prepared.outcome().transactions[1].has_value());
  CHECK_FALSE(prepared.outcome().transactions[2].has_value());
  expect_ok(prepared.commit({3, 1}));
  CHECK(engine.rows("SELECT p FROM c") == std::vector<Row>{{integer(8)}});
}

TEST_CASE("sqlite: foreign keys are on, and their actions are digested and not counted") {
  TestEngine a("sqlite", "n1");
  TestEngine b("sqlite", "n2");
  for (TestEngine* each : {&a, &b}) {
    each->apply({"CREATE TABLE p (id INTEGER PRIMARY KEY)",
                 "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id) ON DELETE CASCADE)",
                 "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (1, 1), (2, 1), (3, 2)"});
    CHECK(each->failure("INSERT INTO c VALUES (4, 9)").code == ErrorCode::constraint_failed);
    const BatchOutcome outcome = each->apply({"DELETE FROM p WHERE id = 1"});
    CHECK(outcome.transactions[0]->statements[0].rows_affected == 1);
    CHECK(each->value("SELECT count(*) FROM c") == integer(1));
  }
  CHECK(a.digest() == b.digest());
}

TEST_CASE("sqlite: a spent AUTOINCREMENT fails its transaction, not the database") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
                "INSERT INTO t VALUES (9223372036854775807, 1)"});
  CHECK(engine.failure("INSERT INTO t (v) VALUES (2)").code == ErrorCode::constraint_failed);
  engine.apply({"UPDATE t SET v = 3"});
}

TEST_CASE("sqlite: row counts follow the statement, not its triggers") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "CREATE TABLE log (x)",
                "CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.v), (new.v); END",
                "INSERT INTO t VALUES (1, 'a'), (2, 'b')"});
  const auto run = [&](Statement one) {
    return engine.apply(Batch{transaction({std::move(one)})}).transactions[0]->statements[0];
  };
  CHECK(run(statement("UPDATE t SET v = 'c' WHERE id = 1")).rows_affected == 1);
  CHECK(engine.value("SELECT count(*) FROM log") == integer(2));
  CHECK(run(statement("INSERT INTO t VALUES (1, 'd') ON CONFLICT (id) DO NOTHING")).rows_affected == 0);
  CHECK(run(statement("INSERT INTO t VALUES (1, 'd') ON CONFLICT (id) DO UPDATE SET v = excluded.v"))
            .rows_affected == 1);
  CHECK(run(statement("CREATE TABLE copy AS SELECT * FROM t")).rows_affected == 0);
  CHECK(run(any_rows("WITH gone AS (SELECT 9 AS id) DELETE FROM t WHERE id IN (SELECT id FROM gone)"))
            .rows_affected == 0);
  const StatementResult returned = run(statement("UPDATE t SET v = v || '!' RETURNING id, v AS value"));
  CHECK(returned.rows_affected == 2);
  CHECK(returned.columns == std::vector<std::string>{"id", "value"});
  CHECK(returned.rows == std::vector<Row>{{integer(1), text("d!")}, {integer(2), text("b!")}});
}

TEST_CASE("sqlite: a conflict is seen behind WITH and comments, and on a virtual table") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "CREATE VIRTUAL TABLE rt USING rtree(id, a, b)",
                "INSERT INTO rt VALUES (1, 0, 1)"});
  engine.reopen();
  for (const char* sql :
       {"/* x */ WITH g AS (SELECT ')') DELETE FROM t WHERE v IN (SELECT * FROM g)",
        "WITH replace(a) AS (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) UPDATE t SET v = 1",
        "-- DELETE\nUPDATE t SET v = 1", "DELETE FROM rt WHERE id = 9"}) {
    INFO(std::string(sql));
    CHECK(engine.failure(sql).code == ErrorCode::version_conflict);
  }
  const BatchOutcome outcome = engine.apply({"DELETE FROM rt WHERE id = 1"});
  CHECK(outcome.transactions[0]->statements[0].rows_affected == 1);
}

}  // namespace
}  // namespace quorate::testing
