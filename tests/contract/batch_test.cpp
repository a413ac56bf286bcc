// Atomicity: batches, savepoints, roll-back by scope, equal digests.
#include <algorithm>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

constexpr const char* kCreate = "CREATE TABLE t (id INTEGER PRIMARY KEY, v NOT NULL, u UNIQUE)";

TEST_CASE("a batch is visible after its commit, and only then") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate});
    {
      PreparedBatch prepared =
          expect_value(prepare_batch(*engine, batch({"INSERT INTO t VALUES (1, 'a', 1)"}), {}));
      CHECK(engine.value("SELECT count(*) FROM t") == integer(0));
      expect_ok(prepared.commit({2, 1}));
    }
    CHECK(engine.value("SELECT count(*) FROM t") == integer(1));
  });
}

TEST_CASE("a prepared batch that goes out of scope rolls back") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate});
    const Digest before = engine.digest();
    {
      expect_value(prepare_batch(*engine, batch({"INSERT INTO t VALUES (1, 'a', 1)", "DROP TABLE t"}), {}));
    }
    CHECK(engine.digest() == before);
    CHECK(engine.value("SELECT count(*) FROM t") == integer(0));
    engine.apply({"INSERT INTO t VALUES (1, 'b', 1)"});
    CHECK(engine.value("SELECT v FROM t") == text("b"));
  });
}

TEST_CASE("a transaction that fails leaves no trace and does not disturb the others") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    TestEngine without(name);
    engine.apply({kCreate});
    without.apply({kCreate});
    const TimedTransaction good = transaction({statement("INSERT INTO t VALUES (1, 'a', 1)")}, 2'000'000, 7);
    const TimedTransaction bad = transaction(
        {statement("INSERT INTO t VALUES (2, 'b', 2)"), statement("INSERT INTO t VALUES (3, 'c', 1)")},
        9'000'000, 8);
    const TimedTransaction last =
        transaction({statement("INSERT INTO t VALUES (4, unixepoch(), 4)")}, 1'000'000, 9);

    PreparedBatch prepared = expect_value(prepare_batch(*engine, {good, bad, last}, {}));
    const BatchOutcome outcome = prepared.outcome();
    REQUIRE(outcome.transactions.size() == 3);
    CHECK(outcome.transactions[0].has_value());
    REQUIRE_FALSE(outcome.transactions[1].has_value());
    CHECK(outcome.transactions[1].error().code == ErrorCode::constraint_failed);
    CHECK(outcome.transactions[1].error().statement == 1);
    CHECK(outcome.transactions[2].has_value());
    expect_ok(prepared.commit({2, 1}));

    // Where only those that succeed are applied, as from the log, everything comes out equal.
    CHECK(without.apply({good, last}).digest == outcome.digest);
    CHECK(engine.rows("SELECT * FROM t ORDER BY id") == without.rows("SELECT * FROM t ORDER BY id"));
    CHECK(expect_value(engine->read_meta())->clock_us == 2'000'000);
    CHECK(engine.content() == without.content());
  });
}

TEST_CASE(
    "it does not matter where in a batch a transaction fails, nor how many batches have failed before") {
  for_every_engine([](const std::string& name) {
    constexpr std::size_t kGood = 3;
    TestEngine engine(name);
    TestEngine without(name);
    engine.apply({kCreate});
    without.apply({kCreate});
    std::int64_t next = 0;
    std::uint64_t index = 2;
    for (std::size_t round = 0; round < 200; ++round) {
      Batch good;
      for (std::size_t i = 0; i < kGood; ++i, ++next) {
        good.push_back(
            transaction({statement("INSERT INTO t VALUES (?, 'a', ?)", {integer(next), integer(next)})},
                        static_cast<std::int64_t>(index), index));
      }
      Batch mixed = good;
      const bool fails = round % 90 < 8;  // now and then, and several in a row
      const TimedTransaction bad =
          transaction({statement("UPDATE t SET v = 'b'"), statement("INSERT INTO t VALUES (0, 'c', 0)")});
      if (fails) mixed.insert(mixed.begin() + static_cast<std::ptrdiff_t>(round % (kGood + 1)), bad);
      PreparedBatch prepared = expect_value(prepare_batch(*engine, mixed, {}));
      const auto failed = std::ranges::count_if(prepared.outcome().transactions,
                                                [](const auto& outcome) { return !outcome; });
      REQUIRE(failed == (fails ? 1 : 0));
      expect_ok(prepared.commit({index++, 1}));
      REQUIRE(without.apply(good).digest == engine.digest());
    }
    CHECK(engine.content() == without.content());
  });
}

// As whoever gathers a batch does: adds to what is held, or prepares all again.
std::vector<Result<TransactionResult>> add(TestEngine& engine, std::optional<PreparedBatch>& held,
                                           Batch& good, const Batch& more) {
  const bool is_extended = held && expect_value(held->extend(more, {}));
  Batch run = more;
  if (!is_extended) {
    held.reset();
    run = good;
    run.insert(run.end(), more.begin(), more.end());
    held.emplace(expect_value(prepare_batch(*engine, run, {})));
  }
  auto results = std::move(held->outcome().transactions);
  REQUIRE(results.size() == run.size());
  results.erase(results.begin(), results.end() - static_cast<std::ptrdiff_t>(more.size()));
  for (std::size_t i = 0; i < more.size(); ++i) {
    if (results[i]) good.push_back(more[i]);
  }
  return results;
}

TEST_CASE("a batch that is prepared in parts is the same as one that is prepared at once") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    TestEngine at_once(name);
    engine.apply({kCreate});
    at_once.apply({kCreate});
    std::int64_t next = 0;
    std::uint64_t index = 2;
    for (std::size_t round = 0; round < 100; ++round) {
      std::optional<PreparedBatch> held;
      Batch good;
      for (std::size_t part = 0; part < 3; ++part) {
        Batch more;
        for (std::size_t i = 0; i < 1 + round % 3; ++i, ++next) {
          // The clock may come to what is added from elsewhere, and be behind.
          more.push_back(transaction({statement("INSERT INTO t VALUES (?, unixepoch() || random(), ?)",
                                                {integer(next), integer(next)}),
                                      statement("SELECT count(*) FROM t")},
                                     static_cast<std::int64_t>(1'000'000 * (index + 5 - part)), next + 1));
        }
        // Now and then one that fails, in any part, also several in a row; it meets what was added before it.
        const bool fails = round % 40 < 6 && part == round % 3;
        if (fails)
          more.insert(more.begin(),
                      transaction({statement("INSERT INTO t VALUES (?, 'twice', 0)", {integer(next - 1)}),
                                   statement("INSERT INTO t VALUES (?, 'twice', 1)", {integer(next - 1)})}));
        const auto results = add(engine, held, good, more);
        const auto failed = std::ranges::count_if(results, [](const auto& result) { return !result; });
        REQUIRE(failed == (fails ? 1 : 0));
        CHECK(results.back()->statements[1].rows[0][0] == integer(next));
      }
      const Digest digest = held->outcome().digest;
      expect_ok(held->commit({index++, 1}));
      CHECK(at_once.apply(good).digest == digest);
      REQUIRE(engine.digest() == digest);
    }
    CHECK(engine.content() == at_once.content());
  });
}

TEST_CASE("what is added to a batch is rolled back with it, and can be nothing") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate});
    const Digest before = engine.digest();
    {
      PreparedBatch held =
          expect_value(prepare_batch(*engine, batch({"INSERT INTO t VALUES (1, 'a', 1)"}), {}));
      const Digest first = held.outcome().digest;
      REQUIRE(expect_value(held.extend({}, {})));
      CHECK(held.outcome().digest == first);
      REQUIRE(expect_value(held.extend(batch({"INSERT INTO t VALUES (2, 'b', 2)"}), {})));
      CHECK(held.outcome().digest != first);
    }
    CHECK(engine.digest() == before);
    CHECK(engine.value("SELECT count(*) FROM t") == integer(0));
    CHECK_FALSE(engine->extend({}, {}).has_value());
    engine.apply({"INSERT INTO t VALUES (1, 'c', 1)"});
  });
}

TEST_CASE("equal batches give equal digests, different ones do not") {
  for_every_engine([](const std::string& name) {
    TestEngine a(name, "n1");
    TestEngine b(name, "n2");
    const std::vector<std::string> sql{kCreate, "INSERT INTO t VALUES (1, 'a', 1)",
                                       "INSERT INTO t VALUES (2, 'b', 2)",
                                       "UPDATE t SET v = 'c' WHERE id = 2", "DELETE FROM t WHERE id = 1"};
    CHECK(a.apply(sql).digest == b.apply(sql).digest);
    CHECK(a.digest() != Digest{});
    CHECK(a.content() == b.content());
    CHECK(a.apply({"UPDATE t SET v = 'x'"}).digest != b.apply({"UPDATE t SET v = 'y'"}).digest);
    CHECK(a.content() != b.content());
    // The chain remembers, also when the content has become equal again.
    CHECK(a.apply({"UPDATE t SET v = 'z'"}).digest != b.apply({"UPDATE t SET v = 'z'"}).digest);
    CHECK(a.content() == b.content());
  });
}

TEST_CASE("the digest depends on the kind of a change and on the type of a value") {
  for_every_engine([](const std::string& name) {
    std::vector<Digest> digests;
    for (const std::string& last : {"INSERT INTO t VALUES (2, 1, 2)", "INSERT INTO t VALUES (2, '1', 2)",
                                    "INSERT INTO t VALUES (2, 1.0, 2)", "INSERT INTO t VALUES (2, x'31', 2)",
                                    "UPDATE t SET id = 2, v = 1, u = 2", "DELETE FROM t", "DROP TABLE t",
                                    "CREATE TABLE other (a)", "SELECT * FROM t"}) {
      TestEngine engine(name);
      engine.apply({kCreate, "INSERT INTO t VALUES (1, 1, 1)"});
      digests.push_back(engine.apply({last}).digest);
    }
    for (std::size_t i = 0; i < digests.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) CHECK(digests[i] != digests[j]);
    }
  });
}

TEST_CASE("an empty batch, or one in which all fails, leaves the digest as it was") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({kCreate});
    const Digest before = engine.digest();
    CHECK(engine.apply(Batch{}).digest == before);
    CHECK(engine->get_version().first == Position{2, 1});
    PreparedBatch prepared =
        expect_value(prepare_batch(*engine, batch({"INSERT INTO absent VALUES (1)"}), {}));
    expect_ok(prepared.commit({3, 2}));
    CHECK(engine.digest() == before);
    CHECK(engine->get_version().first == Position{3, 2});
  });
}

TEST_CASE("a transaction without statements succeeds") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    const BatchOutcome outcome = engine.apply(Batch{transaction({})});
    CHECK(outcome.transactions[0]->statements.empty());
  });
}

TEST_CASE("while a batch is held, prepare, execute and restore are refused") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    const PreparedBatch prepared = expect_value(prepare_batch(*engine, {}, {}));
    CHECK_FALSE(engine->execute("CREATE TABLE t (a)").has_value());
    CHECK_FALSE(engine->restore(engine.directory() / "absent").has_value());
    CHECK_FALSE(engine->prepare({}, {}).has_value());
  });
}

TEST_CASE("commit without a prepared batch is refused, rollback is not") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    CHECK_FALSE(engine->commit({1, 1}).has_value());
    engine->rollback();
    engine.apply({kCreate});
  });
}

}  // namespace
}  // namespace quorate::testing
