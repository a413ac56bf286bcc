#include "engines/common/result_budget.hpp"

#include <string>

namespace quorate {

std::size_t payload_bytes(const Value& value) {
  constexpr std::size_t kValueBytes = 8;
  if (const auto* text = std::get_if<std::string>(&value)) return kValueBytes + text->size();
  if (const auto* blob = std::get_if<Blob>(&value)) return kValueBytes + blob->bytes.size();
  return kValueBytes;
}

std::size_t payload_bytes(const Row& row) {
  std::size_t bytes = 0;
  for (const Value& value : row) bytes += payload_bytes(value);
  return bytes;
}

Result<void> ResultBudget::add(const Row& row) {
  if (rows_exhausted()) {
    return fail(ErrorCode::result_too_large,
                "The result has more than " + std::to_string(max_rows_) + " rows.");
  }
  ++rows_;
  bytes_ += payload_bytes(row);
  if (bytes_ > max_bytes_) {
    return fail(ErrorCode::result_too_large,
                "The result has more than " + std::to_string(max_bytes_) + " bytes.");
  }
  return {};
}

}  // namespace quorate
