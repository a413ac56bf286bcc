// What is kept under keys: with the data, for its time, and in snapshots.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// Commits one insertion at that time, with an outcome to keep.
void insert_and_keep(TestEngine& engine, std::int64_t clock_us, Position position,
                     std::vector<KeyedOutcome> outcomes) {
  PreparedBatch prepared = expect_value(
      prepare_batch(*engine, {transaction({statement("INSERT INTO t (v) VALUES ('x')")}, clock_us)}, {}));
  expect_ok(prepared.commit(position, {.outcomes = std::move(outcomes)}));
}

std::optional<std::string> kept(TestEngine& engine, const std::string& key) {
  return expect_value(engine->find_outcome(key));
}

TEST_CASE("what is kept under a key is there after the commit, also after a restart") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
    CHECK(kept(engine, "k") == std::nullopt);
    const std::string bytes("any\0bytes\xff", 10);
    {
      PreparedBatch prepared =
          expect_value(prepare_batch(*engine, batch({"INSERT INTO t (v) VALUES ('x')"}), {}));
      CHECK(kept(engine, "k") == std::nullopt);
    }
    CHECK(kept(engine, "k") == std::nullopt);
    insert_and_keep(engine, 2 * kSecond, {2, 1},
                    {{"k", kSecond, bytes}, {"K", kSecond, ""}, {"it's", kSecond, "q"}});
    CHECK(kept(engine, "k") == bytes);
    CHECK(kept(engine, "K") == "");
    CHECK(kept(engine, "it's") == "q");
    CHECK(kept(engine, "other") == std::nullopt);
    engine.reopen();
    CHECK(kept(engine, "k") == bytes);
    CHECK(engine.value("SELECT count(*) FROM t") == integer(1));
  });
}

TEST_CASE("it is kept until the clock of the transactions has gone on for so long, and no longer") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
    insert_and_keep(engine, 100 * kSecond, {2, 1}, {{"short", kSecond, "1"}, {"long", 60 * kSecond, "2"}});
    insert_and_keep(engine, 101 * kSecond - 1, {3, 1}, {});
    CHECK(kept(engine, "short") == "1");
    insert_and_keep(engine, 101 * kSecond, {4, 1}, {});
    CHECK(kept(engine, "short") == std::nullopt);
    CHECK(kept(engine, "long") == "2");
    insert_and_keep(engine, 102 * kSecond, {5, 1}, {{"short", kSecond, "again"}});
    CHECK(kept(engine, "short") == "again");
    const ContentDigest content = engine.content();
    CHECK(content.tables.at("_cluster_keys").rows == 2);
  });
}

TEST_CASE("what is over is removed as more is kept, equally on equal nodes") {
  for_every_engine([](const std::string& name) {
    TestEngine one(name);
    TestEngine other(name, "n2");
    for (TestEngine* engine : {&one, &other}) {
      engine->apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
      for (std::uint64_t i = 0; i < 200; ++i) {
        const auto clock_us = static_cast<std::int64_t>(i) * kSecond;
        insert_and_keep(*engine, clock_us, {2 + i, 1}, {{"k" + std::to_string(i), 5 * kSecond, "o"}});
      }
    }
    CHECK(one.content() == other.content());
    CHECK(one.content().tables.at("_cluster_keys").rows < 30);
    CHECK(kept(one, "k199") == "o");
  });
}

TEST_CASE("a snapshot holds what is kept under keys") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
    insert_and_keep(engine, 2 * kSecond, {2, 1}, {{"k", kSecond, "o"}});
    const std::filesystem::path file = engine.directory() / "snapshot";
    expect_value(engine->snapshot(file));
    TestEngine other(name, "n2");
    expect_ok(other->restore(file));
    CHECK(kept(other, "k") == "o");
    CHECK(other.content() == engine.content());
  });
}

TEST_CASE("the results of a transaction with a key are bounded by what may be kept") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
    TimedTransaction large =
        transaction({statement("INSERT INTO t (v) VALUES (?)", {text(std::string(1'000, 'x'))}),
                     statement("SELECT v FROM t")});
    expect_value(prepare_batch(*engine, {large}, {.max_kept_bytes = 500}));
    large.transaction.key = IdempotencyKey{.key = "k"};
    CHECK(engine.failure(large, {.max_kept_bytes = 500}).code == ErrorCode::result_too_large);
    expect_value(prepare_batch(*engine, {large}, {.max_kept_bytes = 5'000}));
  });
}

}  // namespace
}  // namespace quorate::testing
