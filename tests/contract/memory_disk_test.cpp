// What the simulator builds on: a disk that loses what was not flushed, faults and corruption on demand.
#include "engines/memory/memory_disk.hpp"

#include <algorithm>

#include "engines/memory/memory_engine.hpp"
#include "engines/memory/persistent_map.hpp"
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

void apply(MemoryEngine& engine, const std::string& sql, std::uint64_t index) {
  PreparedBatch prepared = expect_value(prepare_batch(engine, batch({sql}), {}));
  REQUIRE(prepared.outcome().transactions[0].has_value());
  expect_ok(prepared.commit({index, 1}));
}

TEST_CASE("a crash goes back to any commit not before the last flush") {
  for (std::uint64_t lose = 0; lose <= 4; ++lose) {
    const auto disk = std::make_shared<MemoryDisk>();
    {
      MemoryEngine engine(disk);
      expect_ok(engine.write_meta(test_meta("n1")));
      apply(engine, "CREATE TABLE t (a)", 1);
      apply(engine, "INSERT INTO t VALUES (1)", 2);
      CHECK(expect_value(engine.flush()) == 2);
      CHECK(disk->unflushed() == 0);
      apply(engine, "INSERT INTO t VALUES (2)", 3);
      apply(engine, "INSERT INTO t VALUES (3)", 4);
      apply(engine, "INSERT INTO t VALUES (4)", 5);
      CHECK(disk->unflushed() == 3);
    }
    disk->crash(lose);
    MemoryEngine engine(disk);
    const std::uint64_t kept = 5 - std::min<std::uint64_t>(lose, 3);
    CHECK(engine.get_version().first.index == kept);
    Query query;
    query.sql = "SELECT count(*) FROM t";
    const QueryResult result = expect_value(expect_value(engine.open_reader())->query(query));
    CHECK(result.rows == std::vector<Row>{{integer(static_cast<std::int64_t>(kept) - 1)}});
  }
}

TEST_CASE("what is replayed after a crash gives the digest it had") {
  const auto disk = std::make_shared<MemoryDisk>();
  MemoryEngine engine(disk);
  expect_ok(engine.write_meta(test_meta("n1")));
  apply(engine, "CREATE TABLE t (a)", 1);
  apply(engine, "INSERT INTO t VALUES (random())", 2);
  const auto version = engine.get_version();
  disk->crash(1);
  MemoryEngine again(disk);
  CHECK(again.get_version() != version);
  apply(again, "INSERT INTO t VALUES (random())", 2);
  CHECK(again.get_version() == version);
}

TEST_CASE("injected faults fail the operation and change nothing") {
  const auto disk = std::make_shared<MemoryDisk>();
  MemoryEngine engine(disk);
  expect_ok(engine.write_meta(test_meta("n1")));
  for (const std::string failing : {"prepare", "commit", "flush"}) {
    disk->fault = [&](std::string_view operation) -> std::optional<Error> {
      if (operation != failing) return std::nullopt;
      return Error{.code = ErrorCode::disk_full, .message = "No room."};
    };
    const auto before = engine.get_version();
    Result<PreparedBatch> prepared = prepare_batch(engine, batch({"CREATE TABLE t (a)"}), {});
    CHECK(prepared.has_value() == (failing != "prepare"));
    if (failing == "commit") CHECK(prepared->commit({1, 1}).error().code == ErrorCode::disk_full);
    CHECK(engine.flush().has_value() == (failing != "flush"));
    CHECK(engine.get_version() == before);
  }
}

TEST_CASE("a corrupted batch gives another digest, once") {
  const auto disk = std::make_shared<MemoryDisk>();
  MemoryEngine corrupt(disk);
  MemoryEngine sound(std::make_shared<MemoryDisk>());
  for (MemoryEngine* engine : {&corrupt, &sound}) {
    expect_ok(engine->write_meta(test_meta("n1")));
    apply(*engine, "CREATE TABLE t (a)", 1);
  }
  CHECK(corrupt.get_version() == sound.get_version());
  disk->corrupt_next_batch = true;
  for (MemoryEngine* engine : {&corrupt, &sound}) apply(*engine, "INSERT INTO t VALUES (1)", 2);
  CHECK(corrupt.get_version().second != sound.get_version().second);
  CHECK_FALSE(disk->corrupt_next_batch);
}

TEST_CASE("copies of a persistent map are independent, and it stays in order") {
  PersistentMap<int, int> map;
  std::vector<PersistentMap<int, int>> versions;
  for (int i = 0; i < 500; ++i) {
    versions.push_back(map);
    map.set((i * 7919) % 500, i);
  }
  for (int i = 0; i < 500; ++i)
    REQUIRE(versions[static_cast<std::size_t>(i)].size() == static_cast<std::size_t>(i));
  for (int i = 0; i < 500; i += 2) map.erase(i);
  int expected = 1;
  map.for_each([&](int key, int) {
    CHECK(key == expected);
    expected += 2;
    return true;
  });
  CHECK(map.size() == 250);
  CHECK(*map.last_key() == 499);
  CHECK(map.find(2) == nullptr);
  CHECK(versions[499].find(2) != nullptr);
}

}  // namespace
}  // namespace quorate::testing
