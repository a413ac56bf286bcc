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

}  // namespace quorate
