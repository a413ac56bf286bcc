// A read and what it returns.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/value.hpp"

namespace quorate {

// local: this node's data as it is. leader: the data of the node that leads, as it is. linearizable: everything
// acknowledged before the read began (read-index, Raft thesis §6.4).
enum class ReadConsistency { local, leader, linearizable };

using Deadline = std::chrono::steady_clock::time_point;

enum class QueryKind : std::uint8_t {
  statement,  // runs `sql`
  schema,     // describes tables, as rows of core/table_description.hpp
};

struct Query {
  QueryKind kind = QueryKind::statement;
  std::string
      sql;  // exactly one statement that only reads; of kind schema: a table's name, or empty for all tables
  Parameters parameters;
  std::size_t max_rows = 100'000;              // more rows end the result with truncated = true
  std::size_t max_bytes = 64UL * 1024 * 1024;  // more payload fails with result_too_large
  Deadline deadline = Deadline::max();         // the statement is interrupted then: statement_timeout
};

struct QueryResult {
  std::vector<std::string> columns;
  std::vector<std::string> types;  // declared column types, upper case; "" for expressions without one
  std::vector<Row> rows;
  bool truncated = false;   // max_rows was reached and there was at least one more
  std::uint64_t index = 0;  // the applied index that the read saw
};

// What a result read piece by piece begins with.
struct ResultHead {
  std::vector<std::string> columns;
  std::vector<std::string> types;  // as in QueryResult
  std::uint64_t index = 0;         // likewise
};

// The next rows of it.
struct ResultPiece {
  std::vector<Row> rows;
  bool last = false;
  bool truncated = false;  // of the last: max_rows was reached and there was at least one more
};

// A piece ends with the row that reaches one of the first three.
struct PieceLimits {
  std::size_t rows = 1'000;
  std::size_t bytes = 128UL * 1024;     // of values
  Deadline enough = Deadline::max();    // once it has a row
  Deadline deadline = Deadline::max();  // the statement is interrupted then: statement_timeout
};

}  // namespace quorate
