#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/bench/histogram.hpp"
#include "tests/bench/http.hpp"
#include "tests/bench/quantile.hpp"

namespace quorate::bench {

using std::chrono::nanoseconds;

TEST_CASE("a histogram reads back what was recorded, at most 1.6 % too high") {
  for (const std::int64_t value :
       {0LL, 1LL, 63LL, 64LL, 127LL, 128LL, 1'000LL, 123'456'789LL, 4'000'000'000'000LL}) {
    Histogram histogram;
    histogram.record(nanoseconds(value));
    const std::int64_t read = histogram.at(0.5).count();
    CAPTURE(value);
    CHECK(read >= value);
    CHECK(static_cast<double>(read) <= static_cast<double>(value) * 1.016);
  }
}

TEST_CASE("quantiles are ranks") {
  Histogram histogram;
  CHECK(histogram.at(0.5) == nanoseconds(0));
  for (int value = 1; value <= 50; ++value) histogram.record(nanoseconds(value));
  CHECK(histogram.at(0) == nanoseconds(1));
  CHECK(histogram.at(0.5) == nanoseconds(25));
  CHECK(histogram.at(0.99) == nanoseconds(50));
  CHECK(histogram.at(1) == nanoseconds(50));
}

TEST_CASE("a quantile of measured values lies between the two next to it") {
  CHECK(quantile({}, 0.5) == 0);
  CHECK(quantile({7}, 0.25) == 7);
  CHECK(quantile({4, 1, 2}, 0.5) == 2);
  CHECK(quantile({4, 1, 2, 3}, 0.5) == doctest::Approx(2.5));
  CHECK(quantile({4, 1, 2, 3}, 0) == 1);
  CHECK(quantile({4, 1, 2, 3}, 1) == 4);
  CHECK(quantile({10, 20}, 0.25) == doctest::Approx(12.5));
}

TEST_CASE("histograms add up, and a value beyond an hour counts as an hour") {
  Histogram a;
  Histogram b;
  a.record(nanoseconds(10));
  b.record(std::chrono::hours(48));
  b.record(nanoseconds(-5));
  a.merge(b);
  CHECK(a.count() == 3);
  CHECK(a.at(0) == nanoseconds(0));
  CHECK(a.at(1) > std::chrono::hours(1));
  CHECK(a.at(1) < std::chrono::hours(2));
}

TEST_CASE("a prepared request keeps its length while its numbers change") {
  PreparedRequest request("POST", "/x", "[################,################]");
  request.set(0, 1'000'000'000'000'001);
  request.set(1, 9'999'999'999'999'999);
  CHECK(request.bytes().ends_with("Content-Length: 35\r\n\r\n[1000000000000001,9999999999999999]"));
  CHECK_THROWS(request.set(0, 17));
  CHECK_THROWS(request.set(2, 1'000'000'000'000'000));
}

TEST_CASE("a response head is read whatever its case, and only when it is complete") {
  const std::string head = "HTTP/1.1 409 Conflict\r\ncontent-LENGTH:  12 \r\nConnection: close\r\n\r\n";
  for (std::size_t bytes = 0; bytes < head.size(); ++bytes) CHECK_FALSE(parse_head(head.substr(0, bytes)));
  const auto parsed = parse_head(head + "twelve bytes");
  REQUIRE(parsed.has_value());
  CHECK(parsed->status == 409);
  CHECK(parsed->head_bytes == head.size());
  CHECK(parsed->body_bytes == 12);
  CHECK_FALSE(parsed->keep_alive);
}

TEST_CASE("what cannot be read exactly is refused") {
  CHECK_THROWS(parse_head("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"));
  CHECK_THROWS(parse_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  CHECK_THROWS(parse_head("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"));
  CHECK_THROWS(parse_head("HTTP/1.1 OK\r\nContent-Length: 1\r\n\r\n"));
}

}  // namespace quorate::bench
