// Bounds what one transaction or query may return.
#pragma once

#include <cstddef>

#include "core/error.hpp"
#include "core/value.hpp"

namespace quorate {

// The bytes that a value costs in a result: its payload, plus eight for the value itself.
std::size_t payload_bytes(const Value& value);
std::size_t payload_bytes(const Row& row);

class ResultBudget {
 public:
  ResultBudget(std::size_t max_rows, std::size_t max_bytes) : max_rows_(max_rows), max_bytes_(max_bytes) {}

  // True when one more row would pass the limit on rows.
  bool rows_exhausted() const { return rows_ >= max_rows_; }

  // Counts a row. Errors: result_too_large.
  Result<void> add(const Row& row);

 private:
  std::size_t max_rows_;
  std::size_t max_bytes_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace quorate
