#include "engines/sqlite/sqlite_cursor.hpp"

#include <utility>

#include "engines/common/result_budget.hpp"
#include "engines/sqlite/meta_table.hpp"
#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {
namespace {

// There can be many cursors at once, and each reads most pages only once.
constexpr const char* kSmallCache = "PRAGMA cache_size = -1024";  // KiB

}  // namespace

SqliteCursor::SqliteCursor(const std::filesystem::path& file, Query query)
    : query_(std::move(query)), connection_(file, Connection::Access::read) {
  connection_.database().exec(kSmallCache);
}

SqliteCursor::~SqliteCursor() {
  if (statement_) statement_->finish();
}

Result<void> SqliteCursor::begin() {
  SQLite::Database& database = connection_.database();
  database.exec("BEGIN");
  // The transaction's first read, which fixes what it sees.
  if (const std::optional<ClusterMeta> meta = load_meta(database)) head_.index = meta->applied.index;
  Result<ClientStatement> compiled = ClientStatement::compile(connection_, query_.sql);
  if (!compiled) return std::unexpected(compiled.error());
  if (!compiled->only_reads()) {
    return fail(ErrorCode::forbidden_sql, "A query only reads; send writes as a transaction.");
  }
  statement_ = std::move(*compiled);
  head_.columns = statement_->columns();
  head_.types = statement_->declared_types();
  return statement_->bind(query_.parameters);
}

Result<bool> SqliteCursor::step() {
  const Result<bool> row = statement_->step(connection_);
  has_row_ = row && *row;
  return row;
}

Result<ResultPiece> SqliteCursor::next(const PieceLimits& limits) {
  const Connection::TimeLimit time_limit(connection_, limits.deadline);
  ResultPiece piece;
  std::size_t bytes = 0;
  if (!has_row_) {
    if (auto first = step(); !first) return std::unexpected(first.error());
  }
  while (has_row_) {
    if (rows_ == query_.max_rows) {
      piece.truncated = true;
      break;
    }
    const bool enough = !piece.rows.empty() && std::chrono::steady_clock::now() >= limits.enough;
    if (enough || piece.rows.size() >= limits.rows || bytes >= limits.bytes) return piece;
    const Row& row = piece.rows.emplace_back(statement_->row());
    ++rows_;
    const std::size_t row_bytes = payload_bytes(row);
    if (row_bytes > query_.max_bytes) {
      return fail(ErrorCode::result_too_large,
                  "A row of the result has more than " + std::to_string(query_.max_bytes) + " bytes.");
    }
    bytes += row_bytes;
    if (auto following = step(); !following) return std::unexpected(following.error());
  }
  piece.last = true;
  return piece;
}

}  // namespace quorate
