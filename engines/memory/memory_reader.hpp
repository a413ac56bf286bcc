// Reads a memory disk's committed content.
#pragma once

#include <memory>

#include "core/engine.hpp"
#include "engines/memory/memory_disk.hpp"
#include "engines/memory/selection.hpp"
#include "engines/memory/statement_cache.hpp"

namespace quorate {

// What the query finds in that content. Errors: sql_error, parameter_mismatch, forbidden_sql, statement_timeout.
Result<Selection> select_as_reader(const MemoryContent& content, const ParsedStatement& parsed,
                                   const Query& query);

class MemoryReader : public Reader {
 public:
  explicit MemoryReader(std::shared_ptr<const MemoryDisk> disk) : disk_(std::move(disk)) {}

  Result<QueryResult> query(const Query& query) override;
  Result<SchemaDescription> describe_tables(const std::string& table, Deadline deadline) override;
  Result<Position> pin() override;
  void unpin() override { pinned_.reset(); }
  Result<ContentDigest> content_digest() override;

 private:
  MemoryDisk::Version view() const { return pinned_ ? pinned_ : disk_->current(); }

  std::shared_ptr<const MemoryDisk> disk_;
  MemoryDisk::Version pinned_;
  ParsedStatementCache statements_;
};

}  // namespace quorate
