// How a stream of rows ends when its node does.
#include "core/query_stream.hpp"

#include <doctest/doctest.h>

#include "engines/memory/memory_engine.hpp"
#include "tests/unit/manual_executor.hpp"

namespace quorate {
namespace {

TEST_CASE("a stream whose node ends says why, also to a reading that was never begun") {
  MemoryEngine engine(std::make_shared<MemoryDisk>());
  REQUIRE(engine.write_meta({.cluster_id = "test", .node_id = "n1", .role = "backup"}));
  Statement create;
  create.sql = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
  REQUIRE(engine.prepare({{.transaction = {.statements = {create}}}}, {}));
  REQUIRE(engine.commit({.index = 1, .term = 1}, {}));
  ManualExecutor readers;
  QueryStreams streams("n1", engine, readers, {});
  Query query;
  query.sql = "SELECT id FROM t";
  const auto stream = streams.open(std::move(query));
  REQUIRE(stream.has_value());
  std::vector<ErrorCode> seen;
  const auto note = [&](Result<ResultPiece> piece) {
    REQUIRE_FALSE(piece.has_value());
    seen.push_back(piece.error().code);
  };
  (*stream)->next(note);
  streams.end_all({.code = ErrorCode::shutting_down, .message = "The server is stopping."});
  readers.drop();
  CHECK(seen == std::vector{ErrorCode::shutting_down});
  (*stream)->next(note);
  CHECK(seen == std::vector{ErrorCode::shutting_down, ErrorCode::shutting_down});
}

}  // namespace
}  // namespace quorate
