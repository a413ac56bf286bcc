// Reads a selection piece by piece. What it finds is found at once, as the engine keeps everything in memory anyway.
#pragma once

#include <atomic>

#include "core/engine.hpp"
#include "engines/memory/selection.hpp"

namespace quorate {

class MemoryCursor : public Cursor {
 public:
  MemoryCursor(Selection selection, std::size_t max_rows, std::size_t max_row_bytes)
      : selection_(std::move(selection)), max_rows_(max_rows), max_row_bytes_(max_row_bytes) {}

  const ResultHead& head() const override { return selection_.head; }
  Result<ResultPiece> next(const PieceLimits& limits) override;
  void interrupt() noexcept override { interrupted_ = true; }

 private:
  const Selection selection_;
  const std::size_t max_rows_;
  const std::size_t max_row_bytes_;
  std::size_t position_ = 0;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace quorate
