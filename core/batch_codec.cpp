#include "core/batch_codec.hpp"

#include "core/transaction_codec.hpp"

namespace quorate {
namespace {

constexpr std::uint8_t kVersion = 3;  // 2 is the same, but has no rows of parameters
constexpr std::uint8_t kVersionWithoutKeys = 1;

Result<ConsistencyMode> to_mode(std::uint8_t value) {
  if (value > 1) return fail(ErrorCode::corrupt, "a log entry names an unknown consistency mode");
  return static_cast<ConsistencyMode>(value);
}

std::unexpected<Error> damaged() {
  return fail(ErrorCode::corrupt, "a log entry's payload is damaged");
}

bool is_known(std::uint8_t version) {
  return version >= kVersionWithoutKeys && version <= kVersion;
}

void put(Encoder& out, const Digest& digest) {
  out.put(digest.high);
  out.put(digest.low);
}

Digest get_digest(Decoder& in) {
  const auto high = in.get<std::uint64_t>();
  return {high, in.get<std::uint64_t>()};
}

void put(Encoder& out, const std::optional<IdempotencyKey>& key) {
  out.put(static_cast<std::uint8_t>(key.has_value()));
  if (!key) return;
  out.put(std::string_view(key->key));
  put(out, key->request);
  out.put(key->keep_us);
}

std::optional<IdempotencyKey> get_key(Decoder& in) {
  if (!in.get_bool()) return std::nullopt;
  IdempotencyKey key{.key = in.get_string()};
  key.request = get_digest(in);
  key.keep_us = in.get<std::int64_t>();
  return key;
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
    out.put(static_cast<std::uint8_t>(timed.transaction.forwarded));
    out.put(timed.clock_us);
    out.put(timed.seed);
    put(out, timed.transaction.statements);
    put(out, timed.transaction.key);
  }
  return out.take();
}

Result<BatchRecord> decode_batch(std::string_view bytes) {
  Decoder in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (!is_known(version)) return damaged();
  BatchRecord record;
  record.id = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  const auto mode = to_mode(in.get<std::uint8_t>());
  if (!mode) return std::unexpected(mode.error());
  record.mode = *mode;
  record.digest = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
  record.batch.resize(in.get_count(25));
  for (TimedTransaction& timed : record.batch) {
    timed.transaction.id = in.get_string();
    timed.transaction.forwarded = in.get<std::uint8_t>() != 0;
    timed.clock_us = in.get<std::int64_t>();
    timed.seed = in.get<std::uint64_t>();
    timed.transaction.statements = get_statements(in);
    if (version != kVersionWithoutKeys) timed.transaction.key = get_key(in);
  }
  if (in.failed() || !in.at_end()) return damaged();
  return record;
}

Result<BatchId> decode_batch_id(std::string_view bytes) {
  Decoder in(bytes);
  if (!is_known(in.get<std::uint8_t>())) return damaged();
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
  if (!is_known(in.get<std::uint8_t>())) return damaged();
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
  if (!is_known(in.get<std::uint8_t>())) return damaged();
  BarrierRecord record;
  record.token = in.get<std::uint64_t>();
  record.requester = in.get_string();
  record.wall_clock_us = in.get<std::int64_t>();
  if (in.failed() || !in.at_end()) return damaged();
  return record;
}

std::string encode(const RestoreRecord& record) {
  Encoder out;
  out.put(kVersion);
  out.put(record.offset);
  out.put(std::string_view(record.bytes));
  out.put(static_cast<std::uint8_t>(record.end.has_value()));
  if (record.end) {
    put(out, record.end->token);
    out.put(record.end->total_bytes);
    put(out, record.end->digest);
  }
  return out.take();
}

Result<RestoreRecord> decode_restore(std::string_view bytes) {
  Decoder in(bytes);
  if (!is_known(in.get<std::uint8_t>())) return damaged();
  RestoreRecord record;
  record.offset = in.get<std::uint64_t>();
  record.bytes = in.get_string();
  if (in.get_bool()) {
    RestoreEnd& end = record.end.emplace();
    end.token = get_digest(in);
    end.total_bytes = in.get<std::uint64_t>();
    end.digest = get_digest(in);
  }
  if (in.failed() || !in.at_end()) return damaged();
  return record;
}

}  // namespace quorate
