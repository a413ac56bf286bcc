// The content of a memory database: tables of rows, with the constraints of single columns. A MemoryContent is a value;
// its copies are cheap and independent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine.hpp"
#include "engines/common/change_digest.hpp"
#include "engines/memory/compare.hpp"
#include "engines/memory/persistent_map.hpp"

namespace quorate {

struct ColumnDefinition {
  std::string name;
  std::string type;  // upper case, as written otherwise; it does not convert values
  bool primary_key = false;
  bool not_null = false;
  bool unique = false;  // also true of a primary key that is not the rowid
};

struct TableDefinition {
  std::string name;  // as written
  std::vector<ColumnDefinition> columns;
  std::string sql;  // the text that created it

  // The position of the column, compared without case, or nothing.
  std::optional<std::size_t> find_column(std::string_view column) const;
  // The INTEGER PRIMARY KEY, which is the row's id itself.
  std::optional<std::size_t> rowid_column() const;
};

struct MemoryTable {
  using SharedRow = std::shared_ptr<const Row>;

  std::shared_ptr<const TableDefinition> definition;
  PersistentMap<std::int64_t, SharedRow> rows;  // by rowid
  std::vector<PersistentMap<Value, std::int64_t, ValueLess>>
      unique;  // per column; empty where it is not unique
};

// Kept under a key until the clock shows `expires_us`.
struct MemoryOutcome {
  std::int64_t expires_us = 0;
  std::string bytes;
};

struct MemoryContent {
  PersistentMap<std::string, MemoryTable> tables;  // by name in lower case
  std::optional<ClusterMeta> meta;
  PersistentMap<std::string, MemoryOutcome> outcomes;  // by key
};

std::string to_lower(std::string_view text);

// True of the names that belong to Quorate itself.
bool is_cluster_name(std::string_view name);

// Changes one table under its constraints, and feeds each change to a digest.
class TableWriter {
 public:
  TableWriter(MemoryTable& table, ChangeDigest& digest) : table_(table), digest_(digest) {}

  // Returns the row's id. With `replace`, rows in the way are deleted. Errors: constraint_failed, sql_error (an
  // integer primary key that is not an integer).
  Result<std::int64_t> insert(Row row, bool replace);
  // Errors: as insert(); the row is then unchanged.
  Result<void> update(std::int64_t id, Row row);
  void remove(std::int64_t id);

 private:
  Result<std::int64_t> choose_id(const Row& row) const;
  Result<void> check_not_null(const Row& row) const;
  Result<void> make_room(const Row& row, std::int64_t id, std::optional<std::int64_t> self, bool replace);
  std::unexpected<Error> not_unique(std::size_t column) const;
  void put(std::int64_t id, Row row);
  void drop(std::int64_t id);
  void feed(char operation, std::int64_t id);

  MemoryTable& table_;
  ChangeDigest& digest_;
};

// The text of all schema objects, in name order, fed to a digest.
void feed_schema(const MemoryContent& content, ChangeDigest& digest);

ContentDigest digest_content(const MemoryContent& content);

}  // namespace quorate
