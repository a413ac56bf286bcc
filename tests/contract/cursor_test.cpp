// What reading piece by piece promises.
#include <string>
#include <thread>

#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

constexpr std::int64_t kRows = 2'500;

Query select(std::string sql) {
  Query query;
  query.sql = std::move(sql);
  return query;
}

void fill(TestEngine& engine) {
  engine.apply({"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"});
  Batch many;
  for (std::int64_t i = 1; i <= kRows; ++i) {
    many.push_back(transaction({statement("INSERT INTO t VALUES (?, 'abcd')", {integer(i)})}));
  }
  engine.apply(many);
}

TEST_CASE("a cursor gives what a query gives, in pieces of the size asked for") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto cursor = expect_value(engine->open_cursor(select("SELECT id, v FROM t ORDER BY id")));
    CHECK(cursor->head().columns == std::vector<std::string>{"id", "v"});
    CHECK(cursor->head().types == std::vector<std::string>{"INTEGER", "TEXT"});
    CHECK(cursor->head().index == 2);
    std::vector<Row> rows;
    std::size_t pieces = 0;
    for (bool last = false; !last; ++pieces) {
      ResultPiece piece = expect_value(cursor->next({.rows = 1'000}));
      CHECK(piece.rows.size() == (pieces < 2 ? 1'000 : 500));
      CHECK_FALSE(piece.truncated);
      last = piece.last;
      std::ranges::move(piece.rows, std::back_inserter(rows));
    }
    CHECK(pieces == 3);
    CHECK(rows == engine.rows("SELECT id, v FROM t ORDER BY id"));
    // A row counts 20 bytes: eight for each value, and the four of the text.
    const auto small = expect_value(engine->open_cursor(select("SELECT id, v FROM t ORDER BY id")));
    CHECK(expect_value(small->next({.bytes = 100})).rows.size() == 5);
    CHECK(expect_value(small->next({.bytes = 1})).rows.size() == 1);
  });
}

TEST_CASE("a cursor over nothing ends at once") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto cursor = expect_value(engine->open_cursor(select("SELECT id FROM t WHERE id = 0")));
    CHECK(cursor->head().columns == std::vector<std::string>{"id"});
    const ResultPiece piece = expect_value(cursor->next({}));
    CHECK(piece.rows.empty());
    CHECK(piece.last);
  });
}

TEST_CASE("a cursor sees one position, whatever is written meanwhile, and the writer is not in its way") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto cursor = expect_value(engine->open_cursor(select("SELECT v FROM t ORDER BY id")));
    engine.apply({"UPDATE t SET v = 'changed'"});
    std::size_t seen = 0;
    for (bool last = false; !last;) {
      const ResultPiece piece = expect_value(cursor->next({.rows = 100}));
      for (const Row& row : piece.rows) seen += row[0] == text("abcd") ? 1 : 0;
      if (seen == 500) engine.apply({"DELETE FROM t WHERE id > 10", "DROP TABLE t"});
      last = piece.last;
    }
    CHECK(seen == kRows);
    CHECK(cursor->head().index == 2);
    CHECK(engine->open_cursor(select("SELECT v FROM t")).error().code == ErrorCode::sql_error);
  });
}

TEST_CASE("max_rows holds for all pieces together, max_bytes for one row") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    Query query = select("SELECT id, v FROM t ORDER BY id");
    query.max_rows = 150;
    query.max_bytes = 20;
    const auto cursor = expect_value(engine->open_cursor(query));
    CHECK_FALSE(expect_value(cursor->next({.rows = 100})).last);
    ResultPiece piece = expect_value(cursor->next({.rows = 100}));
    CHECK(piece.rows.size() == 50);
    CHECK(piece.last);
    CHECK(piece.truncated);
    query.max_rows = kRows;
    const auto exact = expect_value(engine->open_cursor(query));
    piece = expect_value(exact->next({.rows = kRows}));
    CHECK(piece.last);
    CHECK_FALSE(piece.truncated);
    query.max_bytes = 19;
    const auto narrow = expect_value(engine->open_cursor(query));
    CHECK(narrow->next({}).error().code == ErrorCode::result_too_large);
  });
}

TEST_CASE("a cursor keeps its parameters, and refuses what a query refuses") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    Query query = select("SELECT id FROM t WHERE v = ? ORDER BY id");
    query.parameters.positional = {text("abcd")};
    const auto cursor = expect_value(engine->open_cursor(query));
    query.parameters.positional[0] = text("????");
    CHECK(expect_value(cursor->next({.rows = kRows})).rows.size() == kRows);
    const auto refusal = [&](const char* sql) { return engine->open_cursor(select(sql)).error().code; };
    CHECK(refusal("DELETE FROM t") == ErrorCode::forbidden_sql);
    CHECK(refusal("BEGIN") == ErrorCode::forbidden_sql);
    CHECK(refusal("SELECT absent FROM t") == ErrorCode::sql_error);
    CHECK(refusal("SELECT id FROM t WHERE v = ?") == ErrorCode::parameter_mismatch);
  });
}

TEST_CASE("a piece ends at its deadline, when it has enough, or when it is interrupted") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto now = std::chrono::steady_clock::now();
    const auto cursor = expect_value(engine->open_cursor(select("SELECT id FROM t ORDER BY id")));
    CHECK(expect_value(cursor->next({.enough = now})).rows.size() == 1);
    CHECK(expect_value(cursor->next({.enough = now})).rows[0][0] == integer(2));
    std::thread([&] { cursor->interrupt(); }).join();
    const Result<ResultPiece> interrupted = cursor->next({.rows = kRows});
    REQUIRE_FALSE(interrupted.has_value());
    CHECK(interrupted.error().code == ErrorCode::statement_timeout);
    const auto late = expect_value(engine->open_cursor(select("SELECT id FROM t ORDER BY id")));
    const Result<ResultPiece> timed_out = late->next({.rows = kRows, .deadline = now});
    REQUIRE_FALSE(timed_out.has_value());
    CHECK(timed_out.error().code == ErrorCode::statement_timeout);
  });
}

TEST_CASE("a cursor that was destroyed halfway is not in the way of a restore") {
  for_every_engine([](const std::string& name) {
    TestEngine engine(name);
    fill(engine);
    const auto copy = engine.directory() / "copy.db";
    expect_value(engine->snapshot(copy));
    {
      const auto cursor = expect_value(engine->open_cursor(select("SELECT id FROM t")));
      CHECK_FALSE(expect_value(cursor->next({.rows = 1})).last);
      engine.apply({"DELETE FROM t"});
    }
    expect_ok(engine->restore(copy));
    const auto cursor = expect_value(engine->open_cursor(select("SELECT id FROM t")));
    CHECK(expect_value(cursor->next({.rows = 2 * kRows})).rows.size() == kRows);
  });
}

}  // namespace
}  // namespace quorate::testing
