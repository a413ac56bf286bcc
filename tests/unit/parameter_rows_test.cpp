#include "core/parameter_rows.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace quorate {
namespace {

const std::vector<Value> kValues{Null{},
                                 std::int64_t{0},
                                 std::int64_t{-1},
                                 std::int64_t{300},
                                 std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max(),
                                 -0.5,
                                 std::string(),
                                 std::string("a\0\xF0\x9F\x98\x80", 6),
                                 std::string(1000, 'x'),
                                 Blob{},
                                 Blob{"\xFF"}};

ParameterRows sample() {
  ParameterRowsWriter writer;
  for (int row = 0; row < 3; ++row) {
    for (const Value& value : kValues) writer.put(value);
    writer.end_row();
  }
  return writer.take(kValues.size(), {});
}

TEST_CASE("rows of parameters come back as they were written") {
  const ParameterRows rows = sample();
  CHECK(rows.count() == 3);
  ParameterRowsReader reader(rows);
  for (int row = 0; row < 3; ++row) {
    REQUIRE(reader.next());
    for (std::size_t i = 0; i < kValues.size(); ++i) CHECK(to_value(reader.row()[i]) == kValues[i]);
  }
  CHECK_FALSE(reader.next());
}

TEST_CASE("rows of parameters are parsed only from what they are") {
  const ParameterRows rows = sample();
  const std::string bytes(rows.bytes());
  const std::size_t width = kValues.size();
  const auto parsed = ParameterRows::parse(3, width, {}, bytes);
  REQUIRE(parsed.has_value());
  CHECK(*parsed == rows);
  CHECK_FALSE(ParameterRows::parse(2, width, {}, bytes).has_value());
  CHECK_FALSE(ParameterRows::parse(4, width, {}, bytes).has_value());
  CHECK_FALSE(ParameterRows::parse(0, width, {}, "").has_value());
  CHECK_FALSE(ParameterRows::parse(3, width, {"a"}, bytes).has_value());
  CHECK_FALSE(ParameterRows::parse(kMaxParameterRows + 1, 0, {}, "").has_value());
  CHECK_FALSE(ParameterRows::parse(1, 1, {}, "\x05").has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(ParameterRows::parse(3, width, {}, bytes.substr(0, size)).has_value());
  }
}

}  // namespace
}  // namespace quorate
