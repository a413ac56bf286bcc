// A client's transaction and what it produced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/consistency_mode.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/parameter_rows.hpp"
#include "core/value.hpp"

namespace quorate {

struct Statement {
  std::string sql;  // exactly one SQL statement, UTF-8
  Parameters parameters;
  ParameterRows rows = {};  // instead of parameters: it is run once with each, which gives one result for all
  // Rows that it must affect exactly; a SELECT must return. As allow_no_rows it is for each run.
  std::optional<std::int64_t> expect_rows = {};
  bool allow_no_rows = false;  // an UPDATE or DELETE that touches no row is not a conflict
};

// What makes a transaction happen once, however often it is sent: its outcome is kept under the key, in the same database
// transaction as what it wrote. One that fails leaves nothing behind, and its key free.
struct IdempotencyKey {
  std::string key;           // 1 to 255 bytes
  Digest request;            // of what was asked for: the key stands for this request alone
  std::int64_t keep_us = 0;  // how long the outcome is kept at least, by the clock of the transactions
  bool operator==(const IdempotencyKey&) const = default;
};

struct Transaction {
  std::string id;  // unique; given by the coordinator
  std::vector<Statement> statements;
  std::optional<ConsistencyMode> mode = {};  // strengthens the cluster's mode for this transaction
  bool forwarded =
      false;  // came from another process, which may send it again: every node remembers its outcome
  std::optional<IdempotencyKey> key = {};
};

struct StatementResult {
  std::int64_t rows_affected = 0;   // by INSERT, UPDATE, DELETE themselves; triggers and cascades not counted
  std::int64_t last_insert_id = 0;  // of this transaction so far; 0 when it inserted nothing
  std::vector<std::string> columns;  // of SELECT and RETURNING
  std::vector<Row> rows;
  bool operator==(const StatementResult&) const = default;
};

struct TransactionResult {
  std::vector<StatementResult> statements;
  bool operator==(const TransactionResult&) const = default;
};

// One transaction as it is run on every node: with the clock and seed that make it come out equal everywhere.
struct TimedTransaction {
  Transaction transaction;
  std::int64_t clock_us = 0;  // Unix time in microseconds that every time function sees
  std::uint64_t seed = 0;     // of random() and randomblob()
};

// What one log entry carries: transactions in their order.
using Batch = std::vector<TimedTransaction>;

}  // namespace quorate
