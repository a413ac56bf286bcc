// _cluster_keys in a SQLite database: what is kept under keys, each for its time.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <optional>
#include <string>

#include "core/engine.hpp"

namespace quorate {

// Throws SQLite::Exception. Writes go into the transaction that is open.
class KeyTable {
 public:
  // Creates the table if it is not there. Precondition: no transaction is open.
  explicit KeyTable(SQLite::Database& database);

  // `now_us`: the clock of the transactions.
  std::optional<std::string> find(const std::string& key, std::int64_t now_us);
  void keep(const KeyedOutcome& outcome, std::int64_t now_us);
  // Removes some of those whose time is over, the oldest first: more than one commit adds, so that they do not gather.
  void remove_expired(std::int64_t now_us, std::size_t added);

 private:
  SQLite::Statement find_;
  SQLite::Statement keep_;
  SQLite::Statement remove_;
};

}  // namespace quorate
