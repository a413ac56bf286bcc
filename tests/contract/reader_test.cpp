// What readers see, and within which bounds.
#include <atomic>
#include <thread>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

Query select(std::string sql) {
  Query query;
  query.sql = std::move(sql);
  return query;
}

TEST_CASE("a query answers with columns, types, rows and the index it saw") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply(
        {"CREATE TABLE t (id integer PRIMARY KEY, v varchar, w)", "INSERT INTO t VALUES (1, 'a', 2)"});
    engine.apply({"INSERT INTO t VALUES (2, 'b', 3)"});
    const QueryResult result = expect_value(engine.query("SELECT * FROM t ORDER BY id"));
    CHECK(result.columns == std::vector<std::string>{"id", "v", "w"});
    CHECK(result.types == std::vector<std::string>{"INTEGER", "VARCHAR", ""});
    CHECK(result.rows ==
          std::vector<Row>{{integer(1), text("a"), integer(2)}, {integer(2), text("b"), integer(3)}});
    CHECK_FALSE(result.truncated);
    CHECK(result.index == 2);
    const QueryResult none = expect_value(engine.query("SELECT id FROM t WHERE id = 9"));
    CHECK(none.columns == std::vector<std::string>{"id"});
    CHECK(none.rows.empty());
  });
}

TEST_CASE("max_rows truncates, max_bytes fails") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)"});
    const auto reader = expect_value(engine->open_reader());
    Query query = select("SELECT a FROM t ORDER BY a");
    query.max_rows = 2;
    QueryResult result = expect_value(reader->query(query));
    CHECK(result.rows == std::vector<Row>{{integer(1)}, {integer(2)}});
    CHECK(result.truncated);
    query.max_rows = 3;
    result = expect_value(reader->query(query));
    CHECK(result.rows.size() == 3);
    CHECK_FALSE(result.truncated);
    query.max_rows = 0;
    CHECK(expect_value(reader->query(query)).truncated);
    query.max_rows = 3;
    query.max_bytes = 10;
    const Result<QueryResult> failed = reader->query(query);
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().code == ErrorCode::result_too_large);
  });
}

TEST_CASE("a reader cannot write") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"});
    for (const char* sql : {"INSERT INTO t VALUES (2)", "UPDATE t SET a = 2", "DELETE FROM t", "DROP TABLE t",
                            "CREATE TABLE x (a)", "BEGIN", "COMMIT", "VACUUM", "ATTACH 'x' AS y"}) {
      INFO(std::string(sql));
      const Result<QueryResult> result = engine.query(sql);
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().code == ErrorCode::forbidden_sql);
    }
    CHECK(engine.query("SELECT * FROM absent").error().code == ErrorCode::sql_error);
    CHECK(engine.query("SELECT a FROM t; SELECT a FROM t").error().code == ErrorCode::sql_error);
    CHECK(engine.query("SELECT a FROM t WHERE a = ?").error().code == ErrorCode::parameter_mismatch);
    CHECK(engine.rows("SELECT a FROM t WHERE a = ?", {integer(1)}).size() == 1);
    CHECK(engine.value("SELECT count(*) FROM t") == integer(1));
  });
}

TEST_CASE("a pinned reader sees one position, and then the present again") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)"});
    const auto reader = expect_value(engine->open_reader());
    CHECK(expect_value(reader->pin()) == Position{1, 1});
    const ContentDigest before = expect_value(reader->content_digest());
    engine.apply({"INSERT INTO t VALUES (1)"});
    const Query count = select("SELECT count(*) FROM t");
    QueryResult result = expect_value(reader->query(count));
    CHECK(result.rows == std::vector<Row>{{integer(0)}});
    CHECK(result.index == 1);
    CHECK_FALSE(reader->query(select("SELECT absent FROM t")).has_value());
    CHECK(expect_value(reader->content_digest()) == before);
    reader->unpin();
    result = expect_value(reader->query(count));
    CHECK(result.rows == std::vector<Row>{{integer(1)}});
    CHECK(result.index == 2);
    CHECK(expect_value(reader->content_digest()) != before);
    CHECK(expect_value(reader->pin()) == Position{2, 1});
    CHECK(expect_value(reader->pin()) == Position{2, 1});
  });
}

TEST_CASE("a query whose time is over is not answered") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)"});
    Batch many;
    for (std::int64_t i = 0; i < 2'000; ++i) {
      many.push_back(transaction({statement("INSERT INTO t VALUES (?)", {integer(i)})}));
    }
    engine.apply(many);
    Query query = select("SELECT a FROM t");
    query.deadline = std::chrono::steady_clock::now() - std::chrono::milliseconds(1);
    const Result<QueryResult> result = expect_value(engine->open_reader())->query(query);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::statement_timeout);
  });
}

TEST_CASE("readers on other threads always see a committed position, and the writer goes on") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    engine.apply({"CREATE TABLE t (a)"});
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::atomic<int> answered = 0;
    const auto read = [&](Reader& reader) {
      while (!done) {
        const Result<QueryResult> result = reader.query(select("SELECT count(*) FROM t"));
        if (!result || result->rows[0][0] != integer(static_cast<std::int64_t>(result->index) - 1)) ++wrong;
        ++answered;
      }
    };
    const auto first = expect_value(engine->open_reader());
    const auto second = expect_value(engine->open_reader());
    {
      std::jthread one([&] { read(*first); });
      std::jthread two([&] { read(*second); });
      for (int i = 0; i < 300; ++i) engine.apply({"INSERT INTO t VALUES (1)"});
      while (answered < 10) std::this_thread::yield();
      done = true;
    }
    CHECK(wrong == 0);
    CHECK(engine.value("SELECT count(*) FROM t") == integer(300));
  });
}

}  // namespace
}  // namespace quorate::testing
