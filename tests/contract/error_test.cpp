// What a failing transaction is told.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

void fill(TestEngine& engine) {
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v NOT NULL, u UNIQUE)",
                "INSERT INTO t VALUES (1, 'a', 10)", "INSERT INTO t VALUES (2, 'b', 20)"});
}

TEST_CASE("an UPDATE or DELETE that touches no row is a version conflict") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    for (const char* sql : {"UPDATE t SET v = 'x' WHERE id = 9", "DELETE FROM t WHERE v = 'absent'"}) {
      const Error error =
          engine.failure(transaction({statement("INSERT INTO t VALUES (3, 'c', 30)"), statement(sql)}));
      CHECK(error.code == ErrorCode::version_conflict);
      CHECK(error.statement == 1);
      CHECK(error.outcome == Outcome::not_applied);
      engine.apply(Batch{transaction({any_rows(sql)})});
    }
    CHECK(engine.value("SELECT count(*) FROM t") == integer(2));
  });
}

TEST_CASE("expect_rows demands an exact count") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    Statement both = statement("UPDATE t SET v = 'x'");
    both.expect_rows = 2;
    CHECK(engine.apply(Batch{transaction({both})}).transactions[0]->statements[0].rows_affected == 2);
    both.expect_rows = 1;
    CHECK(engine.failure(transaction({both})).code == ErrorCode::row_count_mismatch);
    Statement none = statement("DELETE FROM t WHERE id = 9");
    none.expect_rows = 0;
    engine.apply(Batch{transaction({none})});
    none.expect_rows = 1;
    CHECK(engine.failure(transaction({none})).code == ErrorCode::row_count_mismatch);
    Statement selected = statement("SELECT * FROM t");
    selected.expect_rows = 2;
    engine.apply(Batch{transaction({selected})});
    selected.expect_rows = 3;
    CHECK(engine.failure(transaction({selected})).code == ErrorCode::row_count_mismatch);
  });
}

TEST_CASE("constraints and nonsense are told apart") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto code = [&](const char* sql) { return engine.failure(sql).code; };
    CHECK(code("INSERT INTO t VALUES (1, 'c', 30)") == ErrorCode::constraint_failed);
    CHECK(code("INSERT INTO t VALUES (3, 'c', 20)") == ErrorCode::constraint_failed);
    CHECK(code("INSERT INTO t VALUES (3, NULL, 30)") == ErrorCode::constraint_failed);
    CHECK(code("UPDATE t SET u = 20 WHERE id = 1") == ErrorCode::constraint_failed);
    CHECK(code("UPDATE t SET id = 2 WHERE id = 1") == ErrorCode::constraint_failed);
    CHECK(code("INSERT INTO absent VALUES (1)") == ErrorCode::sql_error);
    CHECK(code("INSERT INTO t (id, absent) VALUES (3, 3)") == ErrorCode::sql_error);
    CHECK(code("UPDATE t SET absent = 1") == ErrorCode::sql_error);
    CHECK(code("DELETE FROM t WHERE absent = 1") == ErrorCode::sql_error);
    CHECK(code("CREATE TABLE t (a)") == ErrorCode::sql_error);
    CHECK(code("DROP TABLE absent") == ErrorCode::sql_error);
    CHECK(code("SELEC * FROM t") == ErrorCode::sql_error);
    CHECK(code("INSERT INTO t VALUES (3, 'c', 30); DELETE FROM t") == ErrorCode::sql_error);
    CHECK(code("") == ErrorCode::sql_error);
    CHECK(code("  -- nothing\n /* at all */ ;") == ErrorCode::sql_error);
    engine.apply({"CREATE TABLE IF NOT EXISTS t (a)", "DROP TABLE IF EXISTS absent",
                  "/* one */ INSERT INTO t VALUES (3, 'c', 30) -- statement\n;"});
    CHECK(engine.value("SELECT count(*) FROM t") == integer(3));
  });
}

TEST_CASE("what belongs to the cluster is out of reach") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    for (const char* sql :
         {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "UPDATE _cluster_meta SET node_id = 'x'",
          "DELETE FROM _cluster_meta", "DROP TABLE _CLUSTER_META", "CREATE TABLE _cluster_x (a)",
          "SELECT * FROM _cluster_meta", "VACUUM", "ATTACH 'a' AS b"}) {
      INFO(std::string(sql));
      CHECK(engine.failure(sql).code == ErrorCode::forbidden_sql);
    }
  });
}

TEST_CASE("parameters must fit the placeholders") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE p (a, b)"});
    const auto named = [](std::string sql, std::vector<std::pair<std::string, Value>> values) {
      Statement result = statement(std::move(sql));
      result.parameters.named = std::move(values);
      return transaction({result});
    };
    for (const TimedTransaction& wrong :
         {transaction({statement("INSERT INTO p VALUES (?, ?)", {integer(1)})}),
          transaction({statement("INSERT INTO p VALUES (?, ?)", {integer(1), integer(2), integer(3)})}),
          transaction({statement("INSERT INTO p VALUES (1, 2)", {integer(1)})}),
          transaction({statement("INSERT INTO p VALUES (:a, :b)", {integer(1), integer(2)})}),
          transaction({statement("INSERT INTO p VALUES (:a, :b)")}),
          named("INSERT INTO p VALUES (:a, :b)", {{"a", integer(1)}}),
          named("INSERT INTO p VALUES (:a, :b)", {{"a", integer(1)}, {"b", integer(2)}, {"c", integer(3)}}),
          named("INSERT INTO p VALUES (:a, :b)", {{"a", integer(1)}, {"b", integer(2)}, {"a", integer(3)}}),
          named("INSERT INTO p VALUES (?, ?)", {{"a", integer(1)}, {"b", integer(2)}})}) {
      CAPTURE(wrong.transaction.statements[0].sql);
      const Error error = engine.failure(wrong);
      CHECK(error.code == ErrorCode::parameter_mismatch);
      CHECK(error.statement == 0);
    }
    engine.apply(Batch{named("INSERT INTO p VALUES (:a, @b)", {{"b", integer(2)}, {"a", integer(1)}}),
                       named("INSERT INTO p VALUES ($same, $same)", {{"same", integer(3)}})});
    CHECK(engine.rows("SELECT * FROM p ORDER BY a") ==
          std::vector<Row>{{integer(1), integer(2)}, {integer(3), integer(3)}});
  });
}

TEST_CASE("a transaction may return so much and no more") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    PrepareLimits limits;
    limits.max_rows = 3;
    const TimedTransaction two =
        transaction({statement("SELECT * FROM t"), statement("SELECT id FROM t WHERE id = 1")});
    CHECK(expect_value(prepare_batch(*engine, {two}, limits)).outcome().transactions[0].has_value());
    const TimedTransaction four = transaction({statement("SELECT * FROM t"), statement("SELECT * FROM t")});
    CHECK(engine.failure(four, limits).code == ErrorCode::result_too_large);
    limits.max_rows = 100;
    limits.max_bytes = 20;
    CHECK(engine.failure(two, limits).code == ErrorCode::result_too_large);
  });
}

}  // namespace
}  // namespace quorate::testing
