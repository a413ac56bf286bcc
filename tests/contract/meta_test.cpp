// Identity, position, and what outlives a restart, a snapshot and a restore.
#include <fstream>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("a new database has no meta and is empty") {
  for_every_engine([](const std::string& name) {
    const TemporaryDirectory directory;
    const auto engine = expect_value(open_engine(name, {.uri = (directory.path() / "new.db").string()}));
    CHECK_FALSE(expect_value(engine->read_meta()).has_value());
    CHECK(expect_value(engine->is_empty()));
    CHECK(engine->get_version() == std::pair(Position{}, Digest{}));
    CHECK_FALSE(engine->prepare({}, {}).has_value());
    expect_ok(engine->write_meta(test_meta("n7")));
    CHECK(expect_value(engine->is_empty()));
    expect_ok(engine->execute("CREATE TABLE t (a)"));
    CHECK_FALSE(expect_value(engine->is_empty()));
    expect_ok(engine->execute("DROP TABLE t"));
    CHECK(expect_value(engine->is_empty()));
    expect_ok(engine->check_health());
  });
}

TEST_CASE("an unknown engine is named, with those that are known") {
  const auto engine = open_engine("oracle", {.uri = "x"});
  REQUIRE_FALSE(engine.has_value());
  CHECK(engine.error().code == ErrorCode::not_found);
  CHECK(engine.error().message.find("memory, sqlite") != std::string::npos);
}

TEST_CASE("meta, position, digest and rows outlive the engine") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)"});
    PreparedBatch prepared =
        expect_value(prepare_batch(*engine, {transaction({statement("INSERT INTO t VALUES (1)")}, 77)}, {}));
    const Digest digest = prepared.outcome().digest;
    expect_ok(prepared.commit({8, 3}, {.mode = ConsistencyMode::dual_write}));
    CHECK(expect_value(engine->flush()) == 8);
    const auto check = [&] {
      ClusterMeta expected = test_meta("n1");
      expected.mode = ConsistencyMode::dual_write;
      expected.applied = {8, 3};
      expected.digest = digest;
      expected.clock_us = 1'000'000;
      CHECK(expect_value(engine->read_meta()) == expected);
      CHECK(engine->get_version() == std::pair(Position{8, 3}, digest));
    };
    check();
    engine.reopen();
    check();
    CHECK(engine.value("SELECT a FROM t") == integer(1));
    expect_ok(engine->check_health());
  });
}

TEST_CASE("write_meta replaces the whole meta") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    ClusterMeta meta = test_meta("n9");
    meta.applied = {5, 2};
    meta.digest = {1, 2};
    meta.clock_us = 9;
    expect_ok(engine->write_meta(meta));
    engine.reopen();
    CHECK(expect_value(engine->read_meta()) == meta);
  });
}

TEST_CASE("clients can read the meta") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)"});
    CHECK(engine.rows("SELECT cluster_id, node_id, role, mode, applied_index, digest FROM _cluster_meta") ==
          std::vector<Row>{{text("c1"), text("n1"), text("master"), text("quorum"), integer(1),
                            text(to_string(engine.digest()))}});
  });
}

TEST_CASE("a snapshot restores content and position, and keeps the node's own identity") {
  for_every_engine([](const std::string& name) {
    TestEngine source(name, "n1");
    source.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a')"});
    source.apply({"INSERT INTO t VALUES (2, 'b')"});
    const std::filesystem::path file = source.directory() / "snapshot";
    {
      const PreparedBatch held = expect_value(prepare_batch(*source, batch({"DELETE FROM t"}), {}));
      CHECK(expect_value(source->snapshot(file)) == Position{2, 1});
    }
    TestEngine target(name, "n2");
    target.apply({"CREATE TABLE other (x)", "INSERT INTO other VALUES (1)"});
    const auto reader = expect_value(target->open_reader());
    expect_ok(target->restore(file));

    ClusterMeta expected = *expect_value(source->read_meta());
    expected.node_id = "n2";
    expected.role = "backup";
    CHECK(expect_value(target->read_meta()) == expected);
    CHECK(target->get_version() == source->get_version());
    CHECK(target.content() == source.content());
    CHECK_FALSE(target.query("SELECT * FROM other").has_value());
    Query query;
    query.sql = "SELECT count(*) FROM t";
    CHECK(expect_value(reader->query(query)).rows == std::vector<Row>{{integer(2)}});
    CHECK(source.apply({"UPDATE t SET v = 'c'"}).digest == target.apply({"UPDATE t SET v = 'c'"}).digest);
    target.reopen();
    CHECK(target.content() == source.content());
    expect_ok(target->check_health());
  });
}

TEST_CASE("a restore that fails keeps the former content") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"});
    const std::filesystem::path garbage = engine.directory() / "garbage";
    std::ofstream(garbage) << std::string(10'000, 'x');
    CHECK_FALSE(engine->restore(garbage).has_value());
    CHECK_FALSE(engine->restore(engine.directory() / "absent").has_value());
    const std::filesystem::path foreign = engine.directory() / "foreign";
    expect_ok(expect_value(open_engine(name, {.uri = foreign.string()}))->execute("CREATE TABLE x (a)"));
    CHECK_FALSE(engine->restore(foreign).has_value());
    CHECK(engine.value("SELECT a FROM t") == integer(1));
    engine.apply({"INSERT INTO t VALUES (2)"});
    expect_ok(engine->check_health());
  });
}

}  // namespace
}  // namespace quorate::testing
