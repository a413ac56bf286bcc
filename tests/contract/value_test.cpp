// Values come back as they went in, and results say what was done.
#include <cmath>
#include <limits>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("values of every type make the round trip") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE v (id INTEGER PRIMARY KEY, x)"});
    const std::vector<Value> values{
        Null{},
        integer(0),
        integer(-1),
        integer(std::numeric_limits<std::int64_t>::min()),
        integer(std::numeric_limits<std::int64_t>::max()),
        integer((std::int64_t{1} << 53) + 1),
        0.1,
        -2.5e-300,
        std::numeric_limits<double>::max(),
        std::numeric_limits<double>::denorm_min(),
        std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(),
        text(""),
        text("plain"),
        text(std::string("nul\0inside", 10)),
        text("\xF0\x9F\x8C\x8D and \xE2\x82\xAC"),
        Blob{},
        Blob{std::string("\0\xff\x80", 3)},
        Blob{std::string(100'000, 'x')},
    };
    for (std::size_t i = 0; i < values.size(); ++i) {
      engine.apply(Batch{transaction(
          {statement("INSERT INTO v VALUES (?, ?)", {integer(static_cast<std::int64_t>(i)), values[i]})})});
    }
    const std::vector<Row> rows = engine.rows("SELECT x FROM v ORDER BY id");
    REQUIRE(rows.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(i);
      CHECK(rows[i][0] == values[i]);
    }
  });
}

TEST_CASE("NaN is stored as NULL") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE v (x)"});
    engine.apply(Batch{transaction({statement("INSERT INTO v VALUES (?)", {Value(std::nan(""))})})});
    CHECK(engine.value("SELECT x FROM v") == Value(Null{}));
  });
}

TEST_CASE("results tell rows affected, the last id, columns and rows") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    const BatchOutcome outcome = engine.apply(Batch{
        transaction({statement("CREATE TABLE t (id INTEGER PRIMARY KEY, v)"),
                     statement("INSERT INTO t (v) VALUES ('a'), ('b'), ('c')"),
                     statement("UPDATE t SET v = 'x' WHERE id > 1"),
                     statement("SELECT id, v FROM t ORDER BY id"), statement("DELETE FROM t"),
                     statement("INSERT INTO t VALUES (70, 'd')")}),
        transaction({statement("UPDATE t SET v = 'y'")}),
    });
    const std::vector<StatementResult>& results = outcome.transactions[0]->statements;
    REQUIRE(results.size() == 6);
    CHECK(results[0] == StatementResult{});
    CHECK(results[1].rows_affected == 3);
    CHECK(results[1].last_insert_id == 3);
    CHECK(results[2].rows_affected == 2);
    CHECK(results[2].last_insert_id == 3);
    CHECK(results[3].rows_affected == 0);
    CHECK(results[3].columns == std::vector<std::string>{"id", "v"});
    CHECK(results[3].rows ==
          std::vector<Row>{{integer(1), text("a")}, {integer(2), text("x")}, {integer(3), text("x")}});
    CHECK(results[4].rows_affected == 3);
    CHECK(results[5].last_insert_id == 70);
    CHECK(outcome.transactions[1]->statements[0].last_insert_id == 0);
    CHECK(outcome.transactions[1]->statements[0].rows_affected == 1);
  });
}

TEST_CASE("INSERT OR REPLACE puts a row in the place of those in its way") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    TestEngine other(name);
    for (TestEngine* each : {&engine, &other}) {
      each->apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 1)",
                   "INSERT INTO t VALUES (2, 2)", "INSERT OR REPLACE INTO t VALUES (1, 2)"});
      CHECK(each->rows("SELECT * FROM t") == std::vector<Row>{{integer(1), integer(2)}});
    }
    CHECK(engine.digest() == other.digest());
  });
}

TEST_CASE("time and chance are functions of the transaction") {
  for_every_engine([](const std::string& name) {
    TestEngine a(name, "n1");
    TestEngine b(name, "n2");
    for (TestEngine* each : {&a, &b}) {
      each->apply({"CREATE TABLE t (x, y)"});
      each->apply(Batch{transaction({statement("INSERT INTO t VALUES (random(), unixepoch())"),
                                     statement("INSERT INTO t VALUES (random(), unixepoch())")},
                                    1'700'000'000'123'456, 42)});
      // A clock that has gone back is taken as the highest so far.
      each->apply(
          Batch{transaction({statement("INSERT INTO t VALUES (random(), unixepoch())")}, 5'000'000, 43)});
    }
    CHECK(a.digest() == b.digest());
    const std::vector<Row> rows = a.rows("SELECT x, y FROM t");
    CHECK(rows == b.rows("SELECT x, y FROM t"));
    CHECK(rows[0][0] != rows[1][0]);
    CHECK(rows[1][0] != rows[2][0]);
    for (const Row& row : rows) CHECK(row[1] == integer(1'700'000'000));
    CHECK(expect_value(a->read_meta())->clock_us == 1'700'000'000'123'456);
  });
}

}  // namespace
}  // namespace quorate::testing
