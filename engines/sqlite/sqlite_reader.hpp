// A read connection on a SQLite database.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/engine.hpp"
#include "engines/sqlite/connection.hpp"
#include "engines/sqlite/statement_cache.hpp"

namespace quorate {

// The database's place, shared by the engine and its readers.
struct DatabaseFile {
  std::filesystem::path path;
  std::atomic<std::uint64_t> generation{0};  // counts restores: the file at `path` is another one then
};

class SqliteReader : public Reader {
 public:
  // Throws SQLite::Exception.
  explicit SqliteReader(std::shared_ptr<const DatabaseFile> file);
  ~SqliteReader() override;

  Result<QueryResult> query(const Query& query) override;
  Result<SchemaDescription> describe_tables(const std::string& table, Deadline deadline) override;
  Result<Position> pin() override;
  void unpin() override;
  Result<ContentDigest> content_digest() override;

 private:
  struct Session;  // a connection with its statements
  class ReadTransaction;

  Session& session();
  Result<QueryResult> run(Session& session, const Query& query);

  std::shared_ptr<const DatabaseFile> file_;
  std::unique_ptr<Session> session_;
  std::uint64_t generation_ = 0;  // of session_
  bool pinned_ = false;
};

}  // namespace quorate
