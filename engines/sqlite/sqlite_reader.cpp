#include "engines/sqlite/sqlite_reader.hpp"

#include <sqlite3.h>

#include <chrono>

#include "engines/common/result_budget.hpp"
#include "engines/sqlite/schema.hpp"
#include "engines/sqlite/sqlite_error.hpp"
#include "engines/sqlite/table_descriptions.hpp"

namespace quorate {
namespace {

void run_once(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

}  // namespace

struct SqliteReader::Session {
  explicit Session(const std::filesystem::path& path)
      : connection(path, Connection::Access::read),
        begin(connection.database(), "BEGIN"),
        commit(connection.database(), "COMMIT") {}

  // The position that the open read transaction sees; its first statement, so it also fixes what is seen.
  Position position() {
    if (!meta) {
      if (!connection.database().tableExists("_cluster_meta")) return {};
      meta.emplace(connection.database(),
                   "SELECT applied_index, applied_term FROM _cluster_meta WHERE id = 1");
    }
    Position position;
    if (meta->executeStep()) {
      position.index = static_cast<std::uint64_t>(meta->getColumn(0).getInt64());
      position.term = static_cast<std::uint64_t>(meta->getColumn(1).getInt64());
    }
    meta->reset();
    return position;
  }

  Connection connection;
  SQLite::Statement begin;
  SQLite::Statement commit;
  std::optional<SQLite::Statement> meta;
  StatementCache statements;
};

// A read transaction for the scope, unless the reader is pinned and so has one.
class SqliteReader::ReadTransaction {
 public:
  ReadTransaction(Session& session, bool pinned) : session_(session), own_(!pinned) {
    if (own_) run_once(session_.begin);
  }
  ~ReadTransaction() {
    // Ending what only reads cannot fail in a way that matters.
    if (own_ && session_.commit.tryExecuteStep() != SQLITE_DONE) {
      sqlite3_exec(session_.connection.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    if (own_) session_.commit.tryReset();
  }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Session& session_;
  bool own_;
};

SqliteReader::SqliteReader(std::shared_ptr<const DatabaseFile> file) : file_(std::move(file)) {
  session();
}
SqliteReader::~SqliteReader() {
  unpin();
}

SqliteReader::Session& SqliteReader::session() {
  const std::uint64_t generation = file_->generation.load();
  if (!session_ || (generation != generation_ && !pinned_)) {
    session_.reset();
    session_ = std::make_unique<Session>(file_->path);
    generation_ = generation;
  }
  return *session_;
}

Result<QueryResult> SqliteReader::query(const Query& query) {
  return guarded([&] { return run(session(), query); });
}

Result<QueryResult> SqliteReader::run(Session& session, const Query& query) {
  if (std::chrono::steady_clock::now() > query.deadline) {
    return fail(ErrorCode::statement_timeout, "The query's time was over before it began.");
  }
  const Result<ClientStatement*> compiled = session.statements.get(session.connection, query.sql);
  if (!compiled) return std::unexpected(compiled.error());
  ClientStatement& statement = **compiled;
  if (!statement.only_reads()) {
    return fail(ErrorCode::forbidden_sql, "A query only reads; send writes as a transaction.");
  }
  const ReadTransaction transaction(session, pinned_);
  QueryResult result;
  result.index = session.position().index;
  const StatementRun run(statement);
  if (auto bound = statement.bind(query.parameters); !bound) return std::unexpected(bound.error());
  const Connection::TimeLimit time_limit(session.connection, query.deadline);
  ResultBudget budget(query.max_rows, query.max_bytes);
  for (;;) {
    const Result<bool> row = statement.step(session.connection);
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    result.truncated = budget.rows_exhausted();
    if (result.truncated) break;
    result.rows.push_back(statement.row());
    if (auto added = budget.add(result.rows.back()); !added) return std::unexpected(added.error());
  }
  result.columns = statement.columns();
  result.types = statement.declared_types();
  return result;
}

Result<SchemaDescription> SqliteReader::describe_tables(const std::string& table, Deadline deadline) {
  return guarded([&]() -> Result<SchemaDescription> {
    Session& reading = session();
    const ReadTransaction transaction(reading, pinned_);
    const std::uint64_t index = reading.position().index;
    const Connection::TimeLimit time_limit(reading.connection, deadline);
    return SchemaDescription{.tables = quorate::describe_tables(reading.connection.database(), table),
                             .index = index};
  });
}

Result<Position> SqliteReader::pin() {
  return guarded([&]() -> Result<Position> {
    unpin();
    Session& reading = session();
    run_once(reading.begin);
    pinned_ = true;
    // Without a meta nothing has been read yet, and only a read fixes what is seen.
    reading.connection.database().tableExists("_cluster_meta");
    return reading.position();
  });
}

void SqliteReader::unpin() {
  if (!pinned_) return;
  pinned_ = false;
  sqlite3_exec(session_->connection.handle(), "COMMIT", nullptr, nullptr, nullptr);
}

Result<ContentDigest> SqliteReader::content_digest() {
  return guarded([&]() -> Result<ContentDigest> {
    Session& reading = session();
    const ReadTransaction transaction(reading, pinned_);
    return quorate::digest_content(reading.connection.database());
  });
}

}  // namespace quorate
