// A statement that is run once for each of many rows of parameters.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

constexpr const char* kCreate = "CREATE TABLE t (id INTEGER PRIMARY KEY, v NOT NULL, u UNIQUE)";

Statement with_rows(std::string sql, const std::vector<Row>& rows, ParameterRows::Names names = {}) {
  ParameterRowsWriter writer;
  for (const Row& row : rows) {
    for (const Value& value : row) writer.put(value);
    writer.end_row();
  }
  Statement statement{.sql = std::move(sql)};
  statement.rows = writer.take(rows.front().size(), std::move(names));
  return statement;
}

StatementResult result_of(TestEngine& engine, Statement statement) {
  const BatchOutcome outcome = engine.apply({transaction({std::move(statement)})});
  return outcome.transactions[0]->statements[0];
}

TEST_CASE("a statement is run with each of its rows of parameters, and has one result") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate});
    const StatementResult inserted =
        result_of(engine, with_rows("INSERT INTO t (v, u) VALUES (?, ?)",
                                    {{text("a"), Null{}}, {Blob{"b"}, 1.5}, {integer(3), text("")}}));
    CHECK(inserted.rows_affected == 3);
    CHECK(inserted.last_insert_id == 3);
    CHECK(engine.rows("SELECT id, v, u FROM t ORDER BY id") ==
          std::vector<Row>{{integer(1), text("a"), Null{}},
                           {integer(2), Blob{"b"}, 1.5},
                           {integer(3), integer(3), text("")}});

    const StatementResult changed =
        result_of(engine, with_rows("UPDATE t SET v = :v WHERE id = :id",
                                    {{text("x"), integer(1)}, {text("y"), integer(3)}}, {"v", "id"}));
    CHECK(changed.rows_affected == 2);
    const StatementResult found = result_of(
        engine, with_rows("SELECT v FROM t WHERE id = ?", {{integer(3)}, {integer(7)}, {integer(1)}}));
    CHECK(found.columns == std::vector<std::string>{"v"});
    CHECK(found.rows == std::vector<Row>{{text("y")}, {text("x")}});
  });
}

TEST_CASE("many rows leave the same content and digest as one run for each") {
  for_every_engine([](const std::string& name) {
    TestEngine together(name);
    TestEngine apart(name);
    for (TestEngine* engine : {&together, &apart}) engine->apply({kCreate});
    std::vector<Row> rows;
    std::vector<Statement> statements;
    for (std::int64_t i = 0; i < 3000; ++i) {
      rows.push_back({integer(i * 7 % 4001), text("value " + std::to_string(i))});
      statements.push_back(statement("INSERT INTO t VALUES (?, ?, random())", rows.back()));
    }
    together.apply({transaction({with_rows("INSERT INTO t VALUES (?, ?, random())", rows)}, 5, 77)});
    apart.apply({transaction(statements, 5, 77)});
    CHECK(together.digest() == apart.digest());
    CHECK(together.content() == apart.content());
  });
}

TEST_CASE("a failure names the row, and nothing of any row is left") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate, "INSERT INTO t VALUES (1, 'a', 1)"});
    const auto failure = [&](Statement statement) {
      const Error error = engine.failure(transaction(
          {quorate::testing::statement("INSERT INTO t VALUES (90, 'z', 90)"), std::move(statement)}));
      CHECK(error.statement == 1);
      CHECK(engine.value("SELECT count(*) FROM t") == integer(1));
      return error;
    };
    const Error twice =
        failure(with_rows("INSERT INTO t VALUES (?, 'b', ?)",
                          {{integer(2), integer(2)}, {integer(3), integer(3)}, {integer(4), integer(2)}}));
    CHECK(twice.code == ErrorCode::constraint_failed);
    CHECK(twice.params_index == 2);
    const Error conflict = failure(with_rows("UPDATE t SET v = 'c' WHERE id = ?",
                                             {{integer(1)}, {integer(1)}, {integer(8)}, {integer(1)}}));
    CHECK(conflict.code == ErrorCode::version_conflict);
    CHECK(conflict.params_index == 2);
    Statement exact = with_rows("DELETE FROM t WHERE id = ?", {{integer(1)}, {integer(1)}});
    exact.expect_rows = 1;
    const Error mismatch = failure(exact);
    CHECK(mismatch.code == ErrorCode::row_count_mismatch);
    CHECK(mismatch.params_index == 1);
    exact = with_rows("SELECT v FROM t WHERE id = ?", {{integer(1)}, {integer(2)}});
    exact.expect_rows = 1;
    CHECK(failure(exact).params_index == 1);
    CHECK(failure(with_rows("INSERT INTO t VALUES (?, ?, ?)", {{integer(1), integer(2)}})).code ==
          ErrorCode::parameter_mismatch);
    CHECK(failure(with_rows("INSERT INTO t VALUES (:a, :b, :c)", {{integer(1), integer(2), integer(3)}},
                            {"a", "b", "d"}))
              .code == ErrorCode::parameter_mismatch);
    CHECK(failure(with_rows("CREATE TABLE w (id INTEGER PRIMARY KEY)", {{}, {}})).code ==
          ErrorCode::parameter_mismatch);
  });
}

TEST_CASE("rows that may touch nothing do not conflict") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate, "INSERT INTO t VALUES (1, 'a', 1)"});
    Statement removal = with_rows("DELETE FROM t WHERE id = ?", {{integer(5)}, {integer(1)}});
    removal.allow_no_rows = true;
    CHECK(result_of(engine, removal).rows_affected == 1);
  });
}

TEST_CASE("the limits of a transaction hold for all rows together") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate, "INSERT INTO t VALUES (1, 'a', 1)"});
    const TimedTransaction reads =
        transaction({with_rows("SELECT v FROM t WHERE id = ?", {{integer(1)}, {integer(1)}, {integer(1)}})});
    const Error too_many = engine.failure(reads, {.max_rows = 2});
    CHECK(too_many.code == ErrorCode::result_too_large);
    CHECK(too_many.params_index == 2);
  });
}

TEST_CASE("sqlite: the time limit holds for all rows together") {
  TestEngine engine("sqlite");
  engine.apply({kCreate});
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 50'000; ++i) rows.push_back({integer(i)});
  const TimedTransaction slow = transaction({with_rows("INSERT INTO t VALUES (?, 'a', NULL)", rows)});
  CHECK(engine.failure(slow, {.statement_time = std::chrono::microseconds(2'000)}).code ==
        ErrorCode::statement_timeout);
}

TEST_CASE("sqlite: RETURNING gives the rows of all runs, one after the other") {
  TestEngine engine("sqlite");
  engine.apply({kCreate});
  const StatementResult result = result_of(
      engine, with_rows("INSERT INTO t (v) VALUES (?) RETURNING id, v", {{text("a")}, {text("b")}}));
  CHECK(result.columns == std::vector<std::string>{"id", "v"});
  CHECK(result.rows == std::vector<Row>{{integer(1), text("a")}, {integer(2), text("b")}});
  CHECK(result.rows_affected == 2);
}

TEST_CASE("sqlite: the functions of a transaction go on from row to row") {
  TestEngine engine("sqlite");
  engine.apply({kCreate});
  engine.apply({transaction(
      {with_rows(
          "INSERT INTO t (v, u) VALUES (coalesce(last_insert_rowid(), 'none') || unixepoch(), random())",
          {{}, {}, {}})},
      2'000'000)});
  CHECK(engine.rows("SELECT v FROM t ORDER BY id") ==
        std::vector<Row>{{text("02")}, {text("12")}, {text("22")}});
  CHECK(engine.value("SELECT count(DISTINCT u) FROM t") == integer(3));
}

}  // namespace
}  // namespace quorate::testing
