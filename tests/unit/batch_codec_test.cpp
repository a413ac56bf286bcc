#include "core/batch_codec.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace quorate {
namespace {

BatchRecord sample() {
  BatchRecord record{.id = {.high = 1, .low = 2},
                     .mode = ConsistencyMode::dual_write,
                     .digest = {.high = 3, .low = 4},
                     .batch = {}};
  TimedTransaction timed{.transaction = {.id = "t1", .statements = {}}, .clock_us = -5, .seed = 99};
  Statement one{.sql = "INSERT INTO t VALUES (?, ?, ?, ?, ?)", .parameters = {}};
  one.parameters.positional = {Null{}, std::numeric_limits<std::int64_t>::min(), -0.0,
                               std::string("a\0\xF0\x9F\x98\x80", 6), Blob{"\xFF"}};
  Statement two{.sql = "UPDATE t SET a = :a", .parameters = {.positional = {}, .named = {{"a", Value(1.5)}}}};
  two.expect_rows = 7;
  two.allow_no_rows = true;
  ParameterRowsWriter rows;
  rows.put(std::int64_t{-7});
  rows.put_text("x");
  rows.end_row();
  const Statement three{.sql = "INSERT INTO t VALUES (:a, :b)", .rows = rows.take(2, {"a", "b"})};
  timed.transaction.statements = {one, two, three};
  record.batch = {timed, timed};
  record.batch[1].transaction.key = {.key = "k", .request = {.high = 5, .low = 6}, .keep_us = 7};
  return record;
}

TEST_CASE("a batch comes back as it went") {
  const BatchRecord record = sample();
  const std::string bytes = encode(record);
  const auto decoded = decode_batch(bytes);
  REQUIRE(decoded.has_value());
  CHECK(encode(*decoded) == bytes);
  CHECK(decoded->id == record.id);
  CHECK(decoded->mode == record.mode);
  CHECK(decoded->digest == record.digest);
  REQUIRE(decoded->batch.size() == 2);
  const Transaction& transaction = decoded->batch[1].transaction;
  CHECK(transaction.statements[0].parameters == record.batch[0].transaction.statements[0].parameters);
  CHECK(transaction.statements[1].expect_rows == 7);
  CHECK(transaction.statements[1].allow_no_rows);
  CHECK(transaction.statements[1].rows.empty());
  CHECK(transaction.statements[2].rows == record.batch[0].transaction.statements[2].rows);
  CHECK_FALSE(decoded->batch[0].transaction.key.has_value());
  CHECK(transaction.key == record.batch[1].transaction.key);
  CHECK(*decode_batch_id(bytes) == record.id);
}

TEST_CASE("a batch of the form before rows of parameters is read") {
  BatchRecord record = sample();
  for (TimedTransaction& timed : record.batch) timed.transaction.statements.pop_back();
  std::string bytes = encode(record);
  bytes[0] = 2;
  const auto decoded = decode_batch(bytes);
  REQUIRE(decoded.has_value());
  CHECK(decoded->batch[1].transaction.statements.size() == 2);
  CHECK(decoded->batch[1].transaction.statements[1].allow_no_rows);
  CHECK(decoded->batch[1].transaction.key == record.batch[1].transaction.key);
}

TEST_CASE("a batch of the form before keys is read") {
  BatchRecord record = sample();
  record.batch = {record.batch[0]};
  record.batch[0].transaction.statements.pop_back();
  std::string bytes = encode(record);
  bytes[0] = 1;
  bytes.pop_back();  // whether there is a key
  const auto decoded = decode_batch(bytes);
  REQUIRE(decoded.has_value());
  CHECK_FALSE(decoded->batch[0].transaction.key.has_value());
  CHECK(decoded->batch[0].transaction.statements.size() == 2);
}

TEST_CASE("the pieces and the end of a restore come back as they went") {
  const RestoreRecord piece{.offset = 7, .bytes = std::string("\0\xFF", 2)};
  auto decoded = decode_restore(encode(piece));
  REQUIRE(decoded.has_value());
  CHECK(decoded->offset == 7);
  CHECK(decoded->bytes == piece.bytes);
  CHECK_FALSE(decoded->end.has_value());
  const std::string bytes = encode({.end = RestoreEnd{.token = {1, 2}, .total_bytes = 3, .digest = {4, 5}}});
  decoded = decode_restore(bytes);
  REQUIRE(decoded.has_value());
  REQUIRE(decoded->end.has_value());
  CHECK(decoded->end->token == Digest{1, 2});
  CHECK(decoded->end->total_bytes == 3);
  CHECK(decoded->end->digest == Digest{4, 5});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_restore(std::string_view(bytes).substr(0, size)).has_value());
  }
}

TEST_CASE("no shortened or altered batch does more than fail") {
  const std::string bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_batch(std::string_view(bytes).substr(0, size));
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(decode_batch(bytes + "x").has_value());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string altered = bytes;
    altered[at] = static_cast<char>(altered[at] ^ 0xFF);
    (void)decode_batch(altered);  // the sanitizers watch
  }
}

TEST_CASE("modes and barriers come back as they went, and nothing else passes") {
  CHECK(*decode_mode(encode_mode(ConsistencyMode::dual_write)) == ConsistencyMode::dual_write);
  CHECK_FALSE(decode_mode("").has_value());
  CHECK_FALSE(decode_mode(std::string("\x01\x07", 2)).has_value());
  const auto barrier =
      decode_barrier(encode(BarrierRecord{.token = 5, .requester = "n1", .wall_clock_us = 6}));
  REQUIRE(barrier.has_value());
  CHECK(barrier->token == 5);
  CHECK(barrier->requester == "n1");
  CHECK(barrier->wall_clock_us == 6);
  CHECK_FALSE(decode_barrier("\x01").has_value());
}

}  // namespace
}  // namespace quorate
