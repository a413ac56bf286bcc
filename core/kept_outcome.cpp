#include "core/kept_outcome.hpp"

#include "core/bytes.hpp"

namespace quorate {
namespace {

constexpr std::uint8_t kVersion = 1;

// The fewest bytes that each takes.
constexpr std::size_t kResultBytes = 24;
constexpr std::size_t kColumnBytes = 4;
constexpr std::size_t kRowBytes = 4;
constexpr std::size_t kValueBytes = 1;

void put(Encoder& out, const StatementResult& result) {
  out.put(result.rows_affected);
  out.put(result.last_insert_id);
  out.put(static_cast<std::uint32_t>(result.columns.size()));
  for (const std::string& column : result.columns) out.put(std::string_view(column));
  out.put(static_cast<std::uint32_t>(result.rows.size()));
  for (const Row& row : result.rows) {
    out.put(static_cast<std::uint32_t>(row.size()));
    for (const Value& value : row) out.put(value);
  }
}

StatementResult get_result(Decoder& in) {
  StatementResult result;
  result.rows_affected = in.get<std::int64_t>();
  result.last_insert_id = in.get<std::int64_t>();
  result.columns.resize(in.get_count(kColumnBytes));
  for (std::string& column : result.columns) column = in.get_string();
  result.rows.resize(in.get_count(kRowBytes));
  for (Row& row : result.rows) {
    row.resize(in.get_count(kValueBytes));
    for (Value& value : row) value = in.get_value();
  }
  return result;
}

}  // namespace

std::string encode(const KeptOutcome& outcome) {
  const WriteReceipt& receipt = outcome.receipt;
  Encoder out;
  out.put(kVersion);
  out.put(outcome.request.high);
  out.put(outcome.request.low);
  out.put(std::string_view(receipt.transaction_id));
  out.put(receipt.index);
  out.put(receipt.term);
  out.put(static_cast<std::uint8_t>(receipt.mode));
  out.put(static_cast<std::uint32_t>(receipt.result.statements.size()));
  for (const StatementResult& result : receipt.result.statements) put(out, result);
  return out.take();
}

Result<KeptOutcome> decode_kept_outcome(std::string_view bytes) {
  Decoder in(bytes);
  const auto version = in.get<std::uint8_t>();
  KeptOutcome outcome;
  outcome.request = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  WriteReceipt& receipt = outcome.receipt;
  receipt.transaction_id = in.get_string();
  receipt.index = in.get<std::uint64_t>();
  receipt.term = in.get<std::uint64_t>();
  const auto mode = in.get<std::uint8_t>();
  receipt.mode = static_cast<ConsistencyMode>(mode);
  receipt.result.statements.resize(in.get_count(kResultBytes));
  for (StatementResult& result : receipt.result.statements) result = get_result(in);
  if (in.failed() || !in.at_end() || version != kVersion || mode > 1)
    return fail(ErrorCode::corrupt, "The outcome that is kept under a key is damaged.");
  return outcome;
}

}  // namespace quorate
