#include "core/query_times.hpp"

#include <doctest/doctest.h>

namespace quorate {
namespace {

constexpr const char* kPoint = "SELECT * FROM t WHERE id = ?";
constexpr const char* kScan = "SELECT sum(value) FROM t";

TEST_CASE("a query counts as short until it was not, and again when it has been for a while") {
  QueryTimes times;
  CHECK(times.is_short(kScan));
  times.record(kScan, 5'000'000);
  CHECK_FALSE(times.is_short(kScan));
  CHECK(times.is_short(kPoint));
  int reads = 0;
  while (!times.is_short(kScan) && reads < 1'000) {
    times.record(kScan, 5);
    ++reads;
  }
  CHECK(reads < 10);
}

TEST_CASE("a query that always takes longer than a short one is never short for long") {
  QueryTimes times;
  for (int i = 0; i < 100; ++i) times.record(kScan, 2 * QueryTimes::kShortUs);
  CHECK_FALSE(times.is_short(kScan));
  for (int i = 0; i < 100; ++i) times.record(kPoint, QueryTimes::kShortUs / 2);
  CHECK(times.is_short(kPoint));
}

}  // namespace
}  // namespace quorate
