#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "server/base64.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"
#include "server/parameters_json.hpp"
#include "server/rows_json.hpp"

namespace quorate {
namespace {

std::string written(const Value& value, IntegerStyle style = IntegerStyle::number) {
  std::string out;
  append_json_value(out, value, style);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

Value read_back(const std::string& json) {
  Result<JsonValue> parsed = read_json(json, {});
  REQUIRE(parsed.has_value());
  const Place place;
  Result<Value> value = decode_value(place, *parsed);
  REQUIRE(value.has_value());
  return std::move(*value);
}

std::string random_bytes(std::mt19937_64& chance) {
  std::string bytes(chance() % 40, '\0');
  for (char& byte : bytes) byte = static_cast<char>(chance());
  return bytes;
}

}  // namespace

TEST_CASE("values are written as documented") {
  CHECK(written(Null{}) == "null");
  CHECK(written(std::int64_t{-5}) == "-5");
  CHECK(written(std::int64_t{-5}, IntegerStyle::string) == "\"-5\"");
  CHECK(written(0.5) == "0.5");
  CHECK(written(5.0) == "5.0");
  CHECK(written(-0.0) == "-0.0");
  CHECK(written(1e300) == "1e+300");
  CHECK(written(std::numeric_limits<double>::infinity()) == R"({"real":"Infinity"})");
  CHECK(written(-std::numeric_limits<double>::infinity()) == R"({"real":"-Infinity"})");
  CHECK(written(std::string("a\"b\\c\n\x01")) == R"("a\"b\\c\n\u0001")");
  CHECK(written(std::string("\xff")) == R"({"base64":"/w==","text":true})");
  CHECK(written(Blob{""}) == R"({"base64":""})");
  CHECK(written(Blob{std::string("\0\1\2", 3)}) == R"({"base64":"AAEC"})");
}

TEST_CASE("every value comes back as it was written") {
  std::mt19937_64 chance(7);
  for (int i = 0; i < 20'000; ++i) {
    Value value;
    switch (chance() % 4) {
      case 0: value = static_cast<std::int64_t>(chance()); break;
      case 1: value = std::bit_cast<double>(chance()); break;
      case 2: value = random_bytes(chance); break;
      default: value = Blob{random_bytes(chance)}; break;
    }
    if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isnan(*real)) continue;
    const std::string json = written(value);
    CAPTURE(json);
    CHECK(read_back(json) == value);
  }
}

TEST_CASE("messages with broken UTF-8 stay valid JSON") {
  CHECK(escaped("a\xff"
                "b") ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(escaped("\xE2\x88") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  std::mt19937_64 chance(8);
  for (int i = 0; i < 2'000; ++i) CHECK(read_json(escaped(random_bytes(chance)), {}).has_value());
}

TEST_CASE("base64 is strict") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("Zg==") == "f");
  CHECK(decode_base64("Zm8=") == "fo");
  CHECK(decode_base64("Zm9v") == "foo");
  for (const char* const text :
       {"Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm-v", "Z=g="}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text).has_value());
  }
}

TEST_CASE("rows are written as arrays or as objects, in pieces too") {
  const std::vector<std::string> columns{"id", "na\"me"};
  const std::vector<Row> rows{
      {std::int64_t{1}, std::string("a")}, {std::int64_t{2}, Null{}}, {std::int64_t{3}, 1.5}};
  std::string arrays;
  append_rows_as_arrays(arrays, rows, 0, 2, IntegerStyle::number);
  append_rows_as_arrays(arrays, rows, 2, 3, IntegerStyle::number);
  CHECK(arrays == R"([1,"a"],[2,null],[3,1.5])");
  const ObjectRowWriter writer(columns);
  std::string objects;
  writer.append(objects, rows, 0, 1, IntegerStyle::string);
  writer.append(objects, rows, 1, 3, IntegerStyle::number);
  CHECK(objects == R"({"id":"1","na\"me":"a"},{"id":2,"na\"me":null},{"id":3,"na\"me":1.5})");
  CHECK(find_repeated_column(columns) == nullptr);
  CHECK(*find_repeated_column({"a", "b", "a"}) == "a");
}

}  // namespace quorate
