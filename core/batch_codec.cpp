#include "core/batch_codec.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

namespace quorate {
namespace {

static_assert(std::endian::native == std::endian::little, "the log's byte order is little-endian");

constexpr std::uint8_t kVersion = 1;

class Encoder {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  void put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  void put(const Value& value) {
    put(static_cast<std::uint8_t>(value.index()));
    if (const auto* integer = std::get_if<std::int64_t>(&value)) put(*integer);
    if (const auto* real = std::get_if<double>(&value)) put(*real);
    if (const auto* text = std::get_if<std::string>(&value)) put(std::string_view(*text));
    if (const auto* blob = std::get_if<Blob>(&value)) put(std::string_view(blob->bytes));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first failure everything reads as zero; ask failed() at the end.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T get() {
    T value{};
    if (!need(sizeof(T))) return value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string get_string() {
    const auto size = get<std::uint32_t>();
    if (!need(size)) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  // A count of items of at least `item_bytes` each: never more than can be there.
  std::uint32_t get_count(std::size_t item_bytes) {
    const auto count = get<std::uint32_t>();
    return need(count * item_bytes) ? count : 0;
  }
  Value get_value() {
    switch (get<std::uint8_t>()) {
      case 0: return Null{};
      case 1: return get<std::int64_t>();
      case 2: return get<double>();
      case 3: return get_string();
      case 4: return Blob{get_string()};
      default: failed_ = true; return Null{};
    }
  }
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  bool need(std::size_t size) {
    if (rest_.size() < size) failed_ = true;
    return !failed_;
  }

  std::string_view rest_;
  bool failed_ = false;
};

void put(Encoder& out, const Statement& statement) {
  out.put(std::string_view(statement.sql));
  out.put(static_cast<std::uint32_t>(statement.parameters.positional.size()));
  for (const Value& value : statement.parameters.positional) out.put(value);
  out.put(static_cast<std::uint32_t>(statement.parameters.named.size()));
  for (const auto& [name, value] : statement.parameters.named) {
    out.put(std::string_view(name));
    out.put(value);
  }
  out.put(static_cast<std::uint8_t>(statement.expect_rows.has_value()));
  out.put(statement.expect_rows.value_or(0));
  out.put(static_cast<std::uint8_t>(statement.allow_no_rows));
}

Statement get_statement(Decoder& in) {
  Statement statement;
  statement.sql = in.get_string();
  statement.parameters.positional.resize(in.get_count(1));
  for (Value& value : statement.parameters.positional) value = in.get_value();
  statement.parameters.named.resize(in.get_count(5));
  for (auto& [name, value] : statement.parameters.named) {
    name = in.get_string();
    value = in.get_value();
  }
  const bool expects = in.get<std::uint8_t>() != 0;
  const auto rows = in.get<std::int64_t>();
  if (expects) statement.expect_rows = rows;
  statement.allow_no_rows = in.get<std::uint8_t>() != 0;
  return statement;
}

Result<ConsistencyMode> to_mode(std::uint8_t value) {
  if (value > 1) return fail(ErrorCode::corrupt, "a log entry names an unknown consistency mode");
  return static_cast<ConsistencyMode>(value);
}

std::unexpected<Error> damaged() {
  return fail(ErrorCode::corrupt, "a log entry's payload is damaged");
}

}  // namespace

std::string encode(const BatchRecord& record) {
  Encoder out;
  out.put(kVersion);
  out.put(record.id.high);
  out.put(record.id.low);
  out.put(static_cast<std::uint8_t>(record.mode));
  out.put(record.digest.high);
  out.put(record.digest.low);
  out.put(static_cast<std::uint32_t>(record.batch.size()));
  for (const TimedTransaction& timed : record.batch) {
    out.put(std::string_view(timed.transaction.id));
    out.put(timed.clock_us);
    out.put(timed.seed);
    out.put(static_cast<std::uint32_t>(timed.transaction.statements.size()));
    for (const Statement& statement : timed.transaction.statements) put(out, statement);
  }
  return out.take();
}

Result<BatchRecord> decode_batch(std::string_view bytes) {
  Decoder in(bytes);
  if (in.get<std::uint8_t>() != kVersion) return damaged();
  BatchRecord record;
  record.id = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  const auto mode = to_mode(in.get<std::uint8_t>());
  if (!mode) return std::unexpected(mode.error());
  record.mode = *mode;
  record.digest = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  record.batch.resize(in.get_count(24));
  for (TimedTransaction& timed : record.batch) {
    timed.transaction.id = in.get_string();
    timed.clock_us = in.get<std::int64_t>();
    timed.seed = in.get<std::uint64_t>();
    timed.transaction.statements.resize(in.get_count(22));
    for (Statement& statement : timed.transaction.statements) statement = get_statement(in);
  }
  if (in.failed() || !in.at_end()) return damaged();
  return record;
}

Result<BatchId> decode_batch_id(std::string_view bytes) {
  Decoder in(bytes);
  if (in.get<std::uint8_t>() != kVersion) return damaged();
  const BatchId id{in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  if (in.failed()) return damaged();
  return id;
}

std::string encode_mode(ConsistencyMode mode) {
  Encoder out;
  out.put(kVersion);
  out.put(static_cast<std::uint8_t>(mode));
  return out.take();
}

Result<ConsistencyMode> decode_mode(std::string_view bytes) {
  Decoder in(bytes);
  if (in.get<std::uint8_t>() != kVersion) return damaged();
  const auto mode = in.get<std::uint8_t>();
  if (in.failed() || !in.at_end()) return damaged();
  return to_mode(mode);
}

std::string encode(const BarrierRecord& record) {
  Encoder out;
  out.put(kVersion);
  out.put(record.token);
  out.put(std::string_view(record.requester));
  out.put(record.wall_clock_us);
  return out.take();
}

Result<BarrierRecord> decode_barrier(std::string_view bytes) {
  Decoder in(bytes);
  if (in.get<std::uint8_t>() != kVersion) return damaged();
  BarrierRecord record;
  record.token = in.get<std::uint64_t>();
  record.requester = in.get_string();
  record.wall_clock_us = in.get<std::int64_t>();
  if (in.failed() || !in.at_end()) return damaged();
  return record;
}

}  // namespace quorate
