// The digest of the whole content.
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

TEST_CASE("the content digest tells tables apart and leaves Quorate's own out") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    const ContentDigest empty = engine.content();
    CHECK(empty.tables.empty());
    engine.apply({"CREATE TABLE a (x)", "CREATE TABLE b (x)", "INSERT INTO a VALUES (1), (2)"});
    const ContentDigest before = engine.content();
    REQUIRE(before.tables.size() == 2);
    CHECK(before.tables.at("a").rows == 2);
    CHECK(before.tables.at("b").rows == 0);
    CHECK(before.schema != empty.schema);
    engine.apply({"INSERT INTO b VALUES (1)"});
    ContentDigest after = engine.content();
    CHECK(after.tables.at("a") == before.tables.at("a"));
    CHECK(after.tables.at("b") != before.tables.at("b"));
    CHECK(after.schema == before.schema);
    engine.apply({"CREATE TABLE c (x)"});
    after = engine.content();
    CHECK(after.tables.size() == 3);
    CHECK(after.schema != before.schema);
  });
}

TEST_CASE("the content digest is a function of the content, not of its history or the node") {
  for_every_engine([](const std::string& name) {
    TestEngine a(name, "n1");
    TestEngine b(name, "n2");
    a.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (2, 'b')",
             "INSERT INTO t VALUES (1, 'x')", "UPDATE t SET v = 'a' WHERE id = 1"});
    b.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v)"});
    b.apply({"INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')"});
    CHECK(a.content() == b.content());
    b.reopen();
    CHECK(a.content() == b.content());
    CHECK(a.digest() != b.digest());
  });
}

}  // namespace
}  // namespace quorate::testing
