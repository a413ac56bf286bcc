// SQL functions that would differ between nodes, made functions of the transaction: random(), randomblob(), changes(),
// total_changes(). (last_insert_rowid() is SQLite's own; the writer sets it to 0 at a transaction's start.)
#pragma once

#include <cstdint>

#include "engines/common/transaction_random.hpp"

struct sqlite3;

namespace quorate {

// What the functions see of the transaction that runs.
struct TransactionContext {
  TransactionRandom random{0};
  std::int64_t changes_before = 0;  // the connection's total at the transaction's start
};

// Installs the functions on the connection. `context` must outlive it. Throws SQLite::Exception.
void install_functions(sqlite3* database, TransactionContext& context);

}  // namespace quorate
