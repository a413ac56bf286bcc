// _cluster_meta in a SQLite database: one row, which clients may read and only Quorate writes.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <optional>

#include "core/engine.hpp"
#include "engines/sqlite/connection.hpp"

namespace quorate {

// The meta, or nothing if the table does not exist. Throws SQLite::Exception.
std::optional<ClusterMeta> load_meta(SQLite::Database& database);

// Creates or replaces the meta, in a transaction of its own or in the one that is open. Throws SQLite::Exception.
void store_meta(SQLite::Database& database, const ClusterMeta& meta);

// Replaces the membership alone, in the transaction that is open. Throws SQLite::Exception.
void store_membership(SQLite::Database& database, const Membership& membership);

// The update that every commit makes, compiled once.
class MetaUpdate {
 public:
  // Precondition: the table exists. Throws SQLite::Exception.
  explicit MetaUpdate(SQLite::Database& database);

  // Writes what changes with a commit, which is all but the identity and the membership, in the transaction that is open. Throws SQLite::Exception.
  void run(const ClusterMeta& meta);

 private:
  SQLite::Statement statement_;
};

}  // namespace quorate
