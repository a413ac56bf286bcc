// Time, chance and counters come out equal on every node, whatever each went through before.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

constexpr std::int64_t kClockUs = 1'709'210'096'789'000;  // 2024-02-29 12:34:56.789 UTC

TEST_CASE("sqlite: every clock shows the transaction's time") {
  TestEngine engine("sqlite");
  const BatchOutcome outcome = engine.apply(Batch{transaction(
      {statement("CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)"),
       statement("INSERT INTO t (id) VALUES (1)"), statement("SELECT at FROM t"),
       statement("SELECT CURRENT_DATE, CURRENT_TIME, strftime('%Y-%m-%d %H:%M:%f', 'now'), unixepoch(), "
                 "datetime('now', 'localtime'), julianday('now')")},
      kClockUs)});
  const auto& results = outcome.transactions[0]->statements;
  CHECK(results[2].rows == std::vector<Row>{{text("2024-02-29 12:34:56")}});
  const Row& row = results[3].rows[0];
  CHECK(row[0] == text("2024-02-29"));
  CHECK(row[1] == text("12:34:56"));
  CHECK(row[2] == text("2024-02-29 12:34:56.789"));
  CHECK(row[3] == integer(1'709'210'096));
  CHECK(row[4] == text("2024-02-29 12:34:56"));
  CHECK(engine.value("SELECT unixepoch() > 1709210096") == integer(1));
}

TEST_CASE("sqlite: random and counting functions are functions of the transaction") {
  TestEngine a("sqlite", "n1");
  TestEngine b("sqlite", "n2");
  // Give the connections different pasts.
  b.apply({"CREATE TABLE other (x)", "INSERT INTO other VALUES (1), (2), (3)", "DROP TABLE other"});
  const std::string trigger =
      "CREATE TRIGGER tr BEFORE INSERT ON t BEGIN INSERT INTO log VALUES (changes(), total_changes(), "
      "last_insert_rowid()); END";
  for (TestEngine* each : {&a, &b}) {
    each->apply(Batch{transaction({statement("CREATE TABLE t (id INTEGER PRIMARY KEY, r DEFAULT (random()), "
                                             "b DEFAULT (randomblob(9)))"),
                                   statement("CREATE TABLE log (c, t, i)"), statement(trigger)})});
  }
  b.apply({"INSERT INTO log VALUES (NULL, NULL, NULL), (0, 0, 0)", "DELETE FROM log"});
  std::vector<BatchOutcome> outcomes;
  for (TestEngine* each : {&a, &b}) {
    outcomes.push_back(each->apply(Batch{
        transaction({statement("SELECT changes(), total_changes(), last_insert_rowid()"),
                     statement("INSERT INTO t (id) VALUES (5), (6)"),
                     statement("SELECT changes(), total_changes(), last_insert_rowid()"),
                     statement("SELECT id, r, b, random() FROM t ORDER BY random()")},
                    kClockUs, 99),
        transaction({statement("SELECT changes(), total_changes(), last_insert_rowid()")}, kClockUs, 100)}));
  }
  const auto& first = outcomes[0].transactions;
  CHECK(*first[0] == *outcomes[1].transactions[0]);
  CHECK(*first[1] == *outcomes[1].transactions[1]);
  CHECK(a.rows("SELECT * FROM t") == b.rows("SELECT * FROM t"));
  CHECK(a.rows("SELECT * FROM log") == b.rows("SELECT * FROM log"));
  CHECK(first[0]->statements[0].rows == std::vector<Row>{{integer(0), integer(0), integer(0)}});
  CHECK(first[0]->statements[2].rows == std::vector<Row>{{integer(2), integer(4), integer(6)}});
  CHECK(first[1]->statements[0].rows == std::vector<Row>{{integer(0), integer(0), integer(0)}});
  CHECK(std::get<Blob>(first[0]->statements[3].rows[0][2]).bytes.size() == 9);
}

TEST_CASE("sqlite: another seed gives other chances") {
  TestEngine engine("sqlite");
  const BatchOutcome outcome =
      engine.apply(Batch{transaction({statement("SELECT random(), randomblob(8)")}, 1, 1),
                         transaction({statement("SELECT random(), randomblob(8)")}, 1, 2)});
  CHECK(outcome.transactions[0]->statements[0].rows != outcome.transactions[1]->statements[0].rows);
}

TEST_CASE("sqlite: a leader that saw failing transactions ends equal to a follower that did not") {
  TestEngine leader("sqlite", "n1");
  TestEngine follower("sqlite", "n2");
  const std::vector<std::string> schema{
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE, at DEFAULT (unixepoch()), r DEFAULT "
      "(random()))",
      "CREATE VIRTUAL TABLE ft USING fts5(x)", "CREATE TABLE w (k PRIMARY KEY, v) WITHOUT ROWID"};
  for (TestEngine* each : {&leader, &follower}) each->apply(schema);
  for (std::int64_t round = 0; round < 20; ++round) {
    const auto write = [&](std::int64_t v, std::int64_t clock_us) {
      return transaction(
          {statement("INSERT INTO t (v) VALUES (?)", {integer(v)}),
           statement("INSERT INTO ft VALUES (?)", {text("word" + std::to_string(v) + " common")}),
           statement("INSERT INTO w VALUES (?, changes())", {integer(v)})},
          clock_us, static_cast<std::uint64_t>(v));
    };
    TimedTransaction bad = write(1'000 + round, kClockUs * 2);
    bad.transaction.statements.push_back(statement("INSERT INTO t (v) VALUES (?)", {integer(2 * round)}));
    const Batch decided{write(2 * round, kClockUs + round), write(2 * round + 1, kClockUs)};
    PreparedBatch prepared = expect_value(prepare_batch(*leader, {decided[0], bad, decided[1], bad}, {}));
    REQUIRE_FALSE(prepared.outcome().transactions[1].has_value());
    const BatchOutcome outcome = prepared.outcome();
    expect_ok(prepared.commit({10 + static_cast<std::uint64_t>(round), 1}));
    if (round == 10) follower.reopen();
    const BatchOutcome replayed = follower.apply(decided);
    CHECK(replayed.digest == outcome.digest);
    CHECK(*replayed.transactions[0] == *outcome.transactions[0]);
    CHECK(*replayed.transactions[1] == *outcome.transactions[2]);
  }
  CHECK(leader.content() == follower.content());
}

}  // namespace
}  // namespace quorate::testing
