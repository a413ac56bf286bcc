#include "engines/memory/memory_cursor.hpp"

#include <algorithm>
#include <chrono>

namespace quorate {

Result<ResultPiece> MemoryCursor::next(const PieceLimits& limits) {
  ResultPiece piece;
  std::size_t bytes = 0;
  const std::size_t end = std::min(selection_.size(), max_rows_);
  while (position_ < end) {
    const auto now = std::chrono::steady_clock::now();
    if (interrupted_ || now > limits.deadline) {
      return fail(ErrorCode::statement_timeout, "The statement ran longer than its time limit.");
    }
    const bool enough = !piece.rows.empty() && now >= limits.enough;
    if (enough || piece.rows.size() >= limits.rows || bytes >= limits.bytes) return piece;
    const Row& row = piece.rows.emplace_back(selection_.row(position_++));
    const std::size_t row_bytes = payload_bytes(row);
    if (row_bytes > max_row_bytes_) {
      return fail(ErrorCode::result_too_large,
                  "A row of the result has more than " + std::to_string(max_row_bytes_) + " bytes.");
    }
    bytes += row_bytes;
  }
  piece.last = true;
  piece.truncated = end < selection_.size();
  return piece;
}

}  // namespace quorate
