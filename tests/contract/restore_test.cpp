// Any database of the engine's kind can be made the content of a cluster.
#include <fstream>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

// A snapshot of an engine that has some content, of another cluster.
std::filesystem::path foreign_file(TestEngine& engine) {
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a')"});
  PreparedBatch prepared = expect_value(prepare_batch(*engine, batch({"INSERT INTO t VALUES (2, 'b')"}), {}));
  expect_ok(prepared.commit({3, 1}, {.outcomes = {{"foreign", 1'000'000'000, "o"}}}));
  const std::filesystem::path file = engine.directory() / "foreign";
  expect_value(engine->snapshot(file));
  return file;
}

TEST_CASE(
    "a foreign database becomes a snapshot with the meta and outcomes that it is given, and no others") {
  for_every_engine([](const std::string& name) {
    TestEngine other(name, "other");
    const std::filesystem::path file = foreign_file(other);
    TestEngine engine(name);
    engine.apply({"CREATE TABLE present (id INTEGER PRIMARY KEY)"});
    ClusterMeta meta = test_meta("n1");
    meta.applied = {.index = 77, .term = 7};
    meta.digest = {.high = 1, .low = 2};
    meta.clock_us = 5'000'000;
    expect_ok(engine->make_snapshot_of(file, meta, {{"kept", 1'000'000, "outcome"}}));
    CHECK(engine.value("SELECT count(*) FROM present") == integer(0));

    expect_ok(engine->restore(file));
    CHECK(engine.rows("SELECT * FROM t ORDER BY id") ==
          std::vector<Row>{{integer(1), text("a")}, {integer(2), text("b")}});
    CHECK_FALSE(engine.query("SELECT * FROM present").has_value());
    CHECK(expect_value(engine->read_meta()) == meta);
    CHECK(expect_value(engine->find_outcome("kept")) == "outcome");
    CHECK(expect_value(engine->find_outcome("foreign")) == std::nullopt);
  });
}

TEST_CASE("the same file makes equal content on every node") {
  for_every_engine([](const std::string& name) {
    TestEngine other(name, "other");
    const std::filesystem::path file = foreign_file(other);
    TestEngine one(name);
    TestEngine two(name, "n2");
    for (TestEngine* engine : {&one, &two}) {
      const std::filesystem::path copy = engine->directory() / "copy";
      std::filesystem::copy_file(file, copy);
      expect_ok((*engine)->make_snapshot_of(copy, test_meta("n1"), {{"kept", 1'000'000, "outcome"}}));
      expect_ok((*engine)->restore(copy));
    }
    CHECK(one.content() == two.content());
  });
}

TEST_CASE("what is no database is refused, and the content stays") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE present (id INTEGER PRIMARY KEY)"});
    const std::filesystem::path file = engine.directory() / "garbage";
    for (const std::size_t size : {1, 100, 100'000}) {
      std::ofstream(file, std::ios::binary | std::ios::trunc) << std::string(size, 'x');
      const Result<void> made = engine->make_snapshot_of(file, test_meta("n1"), {});
      REQUIRE_FALSE(made.has_value());
      CHECK(made.error().code == ErrorCode::corrupt);
    }
    CHECK(engine.value("SELECT count(*) FROM present") == integer(0));
  });
}

}  // namespace
}  // namespace quorate::testing
