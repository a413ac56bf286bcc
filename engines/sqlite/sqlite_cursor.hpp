// A statement on a SQLite database whose rows are read piece by piece, on a read connection of its own.
#pragma once

#include <filesystem>
#include <optional>

#include "core/engine.hpp"
#include "engines/sqlite/client_statement.hpp"
#include "engines/sqlite/connection.hpp"

namespace quorate {

class SqliteCursor : public Cursor {
 public:
  // Opens the connection. Throws SQLite::Exception.
  SqliteCursor(const std::filesystem::path& file, Query query);
  ~SqliteCursor() override;

  // Fixes what is seen and compiles the statement; to be called once, before anything else. Errors: those of
  // StorageEngine::open_cursor(). Throws SQLite::Exception.
  Result<void> begin();

  const ResultHead& head() const override { return head_; }
  Result<ResultPiece> next(const PieceLimits& limits) override;
  void interrupt() noexcept override { connection_.cancel(); }

 private:
  Result<bool> step();

  const Query query_;  // the statement's parameters point into it
  Connection connection_;
  std::optional<ClientStatement> statement_;
  ResultHead head_;
  std::size_t rows_ = 0;  // given out
  bool has_row_ = false;  // the statement stands on one that is not given out yet
};

}  // namespace quorate
