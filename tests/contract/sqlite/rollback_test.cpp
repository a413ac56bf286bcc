// Statements that end SQLite's whole transaction are contained to their own client transaction.
#include <chrono>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

using std::chrono::milliseconds;

constexpr const char* kEndless =
    "INSERT INTO t SELECT i, i FROM (WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n) "
    "SELECT i FROM n)";

void fill(TestEngine& engine) {
  engine.apply(
      {"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)",
       "CREATE TRIGGER tr BEFORE INSERT ON t WHEN new.v = 'end' BEGIN SELECT RAISE(ROLLBACK, 'ended'); END"});
}

// A batch in which `bad` stands between good transactions comes out as if `bad` had not been sent.
void check_contained(const Statement& bad, ErrorCode code, const PrepareLimits& limits = {}) {
  TestEngine engine("sqlite", "n1");
  TestEngine without("sqlite", "n2");
  fill(engine);
  fill(without);
  const TimedTransaction first = transaction({statement("INSERT INTO t VALUES (2, random())")}, 5'000'000, 1);
  const TimedTransaction offender =
      transaction({statement("INSERT INTO t VALUES (50, 1)"), bad}, 9'000'000, 2);
  const TimedTransaction last =
      transaction({statement("INSERT INTO t VALUES (3, unixepoch())")}, 6'000'000, 3);
  const TimedTransaction plain = transaction({statement("INSERT INTO t VALUES (1, 1)")}, 5'000'000, 1);
  PreparedBatch prepared =
      expect_value(prepare_batch(*engine, {first, plain, offender, last, offender}, limits));
  const BatchOutcome outcome = prepared.outcome();
  REQUIRE(outcome.transactions.size() == 5);
  CHECK(outcome.transactions[0].has_value());
  CHECK(outcome.transactions[1].error().code == ErrorCode::constraint_failed);
  CHECK(outcome.transactions[3].has_value());
  for (const std::size_t i : {2UL, 4UL}) {
    REQUIRE_FALSE(outcome.transactions[i].has_value());
    CHECK(outcome.transactions[i].error().code == code);
    CHECK(outcome.transactions[i].error().statement == 1);
  }
  expect_ok(prepared.commit({4, 1}));
  CHECK(without.apply(Batch{first, last}).digest == outcome.digest);
  CHECK(engine.content() == without.content());
  engine.apply({"INSERT INTO t VALUES (4, 4)"});
  expect_ok(engine->check_health());
}

TEST_CASE("sqlite: OR ROLLBACK is contained") {
  check_contained(statement("INSERT OR ROLLBACK INTO t VALUES (1, 1)"), ErrorCode::constraint_failed);
}

TEST_CASE("sqlite: RAISE(ROLLBACK) is contained") {
  check_contained(statement("INSERT INTO t VALUES (9, 'end')"), ErrorCode::constraint_failed);
}

TEST_CASE("sqlite: an interrupted write is contained") {
  PrepareLimits limits;
  limits.statement_time = milliseconds(30);
  check_contained(statement(kEndless), ErrorCode::statement_timeout, limits);
}

TEST_CASE("sqlite: an interrupted read leaves the rest of the batch alone") {
  PrepareLimits limits;
  limits.statement_time = milliseconds(30);
  check_contained(
      statement("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"),
      ErrorCode::statement_timeout, limits);
}

TEST_CASE("sqlite: a batch full of such statements is bounded") {
  TestEngine engine("sqlite");
  fill(engine);
  Batch many;
  for (std::int64_t i = 0; i < 300; ++i) {
    many.push_back(transaction({statement("INSERT INTO t VALUES (?, 1)", {integer(1000 + i)})}));
    many.push_back(transaction({statement("INSERT OR ROLLBACK INTO t VALUES (1, 1)")}));
  }
  PreparedBatch prepared = expect_value(prepare_batch(*engine, many, {}));
  const auto& outcomes = prepared.outcome().transactions;
  REQUIRE(outcomes.size() == many.size());
  std::size_t succeeded = 0;
  for (const auto& outcome : outcomes) {
    if (outcome) ++succeeded;
    if (!outcome) CHECK(outcome.error().code != ErrorCode::internal);
  }
  CHECK(succeeded == 17);
  CHECK(outcomes.back().error().code == ErrorCode::overloaded);
  expect_ok(prepared.commit({4, 1}));
  CHECK(engine.value("SELECT count(*) FROM t") == integer(1 + 17));
}

TEST_CASE("sqlite: a query is interrupted at its deadline") {
  TestEngine engine("sqlite");
  Query query;
  query.sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
  const auto start = std::chrono::steady_clock::now();
  query.deadline = start + milliseconds(50);
  const auto reader = expect_value(engine->open_reader());
  CHECK(reader->query(query).error().code == ErrorCode::statement_timeout);
  CHECK(std::chrono::steady_clock::now() - start < milliseconds(2'000));
  query.sql = "SELECT 1";
  query.deadline = Deadline::max();
  CHECK(expect_value(reader->query(query)).rows == std::vector<Row>{{integer(1)}});
}

}  // namespace
}  // namespace quorate::testing
