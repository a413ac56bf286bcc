#include "core/kept_outcome.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace quorate {
namespace {

KeptOutcome sample() {
  const StatementResult insert{.rows_affected = 2,
                               .last_insert_id = std::numeric_limits<std::int64_t>::min()};
  const StatementResult select{
      .columns = {"a", ""},
      .rows = {{Null{}, std::int64_t{1}},
               {-std::numeric_limits<double>::infinity(), Blob{std::string("\0\xFF", 2)}}}};
  return {.request = {.high = 1, .low = 2},
          .receipt = {.transaction_id = "t1",
                      .index = 3,
                      .term = 4,
                      .mode = ConsistencyMode::dual_write,
                      .result = {.statements = {insert, select}}}};
}

TEST_CASE("a kept outcome comes back as it went, without the nodes") {
  KeptOutcome outcome = sample();
  outcome.receipt.committed = {"n1"};
  const auto decoded = decode_kept_outcome(encode(outcome));
  REQUIRE(decoded.has_value());
  CHECK(decoded->request == outcome.request);
  CHECK(decoded->receipt.transaction_id == "t1");
  CHECK(decoded->receipt.index == 3);
  CHECK(decoded->receipt.term == 4);
  CHECK(decoded->receipt.mode == ConsistencyMode::dual_write);
  CHECK(decoded->receipt.result == outcome.receipt.result);
  CHECK(decoded->receipt.committed.empty());
}

TEST_CASE("no shortened outcome does more than fail") {
  const std::string bytes = encode(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_kept_outcome(std::string_view(bytes).substr(0, size));
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace quorate
