#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "server/json_reader.hpp"

namespace quorate {
namespace {

constexpr JsonLimits kLimits{.depth = 4, .values = 20};

ErrorCode refusal(std::string_view text, const JsonLimits& limits = kLimits) {
  const Result<JsonValue> result = read_json(text, limits);
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}

template <typename T>
T read_as(std::string_view text) {
  Result<JsonValue> result = read_json(text, kLimits);
  REQUIRE(result.has_value());
  REQUIRE(result->as<T>() != nullptr);
  return *result->as<T>();
}

// Everything that can be told apart, as a text.
std::string shown(JsonValue value) {
  if (const auto* text = value.as<std::string>()) return "'" + *text + "'";
  if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
  if (const auto* real = value.as<double>()) return std::to_string(*real) + "r";
  if (const auto* boolean = value.as<bool>()) return *boolean ? "true" : "false";
  if (const auto* rows = value.as<JsonValue::Rows>()) {
    const JsonRows& read = **rows;
    return read.failure ? "failure" + read.failure->text : "rows " + std::string(read.rows.bytes());
  }
  std::string all;
  if (const auto* array = value.as<JsonValue::Array>()) {
    for (const JsonValue& element : *array) all += shown(element) + ",";
    return "[" + all + "]";
  }
  if (const auto* object = value.as<JsonValue::Object>()) {
    for (const JsonMember& member : *object) all += member.name + ":" + shown(member.value) + ",";
    return "{" + all + "}";
  }
  return "null";
}

std::string read_text(const Result<JsonValue>& result) {
  return result ? shown(*result) : result.error().message;
}

}  // namespace

TEST_CASE("a NUL does not end the text") {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"\0"sv, "{}\0"sv, "{}\0x"sv, "[1,\0 2]"sv, "\"\0\""sv}) {
    CHECK(refusal(text) == ErrorCode::malformed_request);
  }
  CHECK(read_as<std::string>(R"("\u0000")") == std::string(1, '\0'));
}

TEST_CASE("integers are exact, and refused when they do not fit") {
  CHECK(read_as<std::int64_t>("0") == 0);
  CHECK(read_as<std::int64_t>("-0") == 0);
  CHECK(read_as<std::int64_t>("9007199254740993") == 9007199254740993);
  CHECK(read_as<std::int64_t>("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(read_as<std::int64_t>("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(refusal("9223372036854775808") == ErrorCode::malformed_request);
  CHECK(refusal("-9223372036854775809") == ErrorCode::malformed_request);
  CHECK(refusal("18446744073709551616") == ErrorCode::malformed_request);
  CHECK(refusal(std::string(400, '9')) == ErrorCode::malformed_request);
}

TEST_CASE("reals keep their value, and none is infinite") {
  CHECK(read_as<double>("1.0") == 1.0);
  CHECK(read_as<double>("1e3") == 1000.0);
  CHECK(read_as<double>("9223372036854775808.0") == 9223372036854775808.0);
  CHECK(std::signbit(read_as<double>("-0.0")));
  CHECK(read_as<double>("5e-324") > 0);
  CHECK(refusal("1e309") == ErrorCode::malformed_request);
  CHECK(refusal("-1e309") == ErrorCode::malformed_request);
  CHECK(refusal("NaN") == ErrorCode::malformed_request);
  CHECK(refusal("Infinity") == ErrorCode::malformed_request);
}

TEST_CASE("objects keep the order of their names, each of which occurs once") {
  Result<JsonValue> result = read_json(R"({"b":1,"a":{"b":true},"c":null})", kLimits);
  REQUIRE(result.has_value());
  const auto& object = *result->as<JsonValue::Object>();
  REQUIRE(object.size() == 3);
  CHECK(object[0].name == "b");
  CHECK(object[1].name == "a");
  CHECK(object[2].name == "c");
  CHECK(refusal(R"({"a":1,"b":2,"a":3})") == ErrorCode::malformed_request);
  CHECK(refusal(R"([{"x":{"a":1,"\u0061":3}}])") == ErrorCode::malformed_request);
  const std::string many = R"({"a":1,"b":2,"c":3,"d":4,"e":5)";
  CHECK(read_as<JsonValue::Object>(many + "}").size() == 5);
  CHECK(refusal(many + R"(,"a":6})") == ErrorCode::malformed_request);
  CHECK(refusal(many + R"(,"e":6})") == ErrorCode::malformed_request);
}

TEST_CASE("what is nested stays where it belongs, however much comes beside it") {
  Result<JsonValue> result =
      read_json(R"({"a":[[1],[2],[3],[4],[[5,6]],7],"b":{"c":{},"d":"x"},"e":[]})", kLimits);
  REQUIRE(result.has_value());
  auto& object = *result->as<JsonValue::Object>();
  REQUIRE(object.size() == 3);
  auto& array = *object[0].value.as<JsonValue::Array>();
  REQUIRE(array.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) {
    auto& inner = *array[i].as<JsonValue::Array>();
    REQUIRE(inner.size() == 1);
    CHECK(*inner[0].as<std::int64_t>() == static_cast<std::int64_t>(i) + 1);
  }
  CHECK(array[4].as<JsonValue::Array>()->front().as<JsonValue::Array>()->size() == 2);
  CHECK(*array[5].as<std::int64_t>() == 7);
  auto& second = *object[1].value.as<JsonValue::Object>();
  REQUIRE(second.size() == 2);
  CHECK(second[0].value.as<JsonValue::Object>()->empty());
  CHECK(*second[1].value.as<std::string>() == "x");
  CHECK(object[2].value.as<JsonValue::Array>()->empty());
}

TEST_CASE("texts with escapes, which come in parts, do not run into each other") {
  Result<JsonValue> result =
      read_json(R"({"a\nb":"c\td\"","e":"f","":["\u00e9g","",-12.5e-1,"h"]})", kLimits);
  REQUIRE(result.has_value());
  auto& object = *result->as<JsonValue::Object>();
  REQUIRE(object.size() == 3);
  CHECK(object[0].name == "a\nb");
  CHECK(*object[0].value.as<std::string>() == "c\td\"");
  CHECK(object[1].name == "e");
  CHECK(*object[1].value.as<std::string>() == "f");
  CHECK(object[2].name.empty());
  auto& array = *object[2].value.as<JsonValue::Array>();
  REQUIRE(array.size() == 4);
  CHECK(*array[0].as<std::string>() == "\xC3\xA9g");
  CHECK(array[1].as<std::string>()->empty());
  CHECK(*array[2].as<double>() == -1.25);
  CHECK(*array[3].as<std::string>() == "h");
}

TEST_CASE("a text that is read in parts, however long they are, gives what it gives at one go") {
  constexpr JsonLimits kManyValues{.depth = 5, .values = 40};
  const JsonRowsMember rows{.name = "rows", .limits = {}};
  for (const std::string_view text :
       {R"( {"a":[1,-23.5e+2,true,false,null,"x\n\u00e9\ud83d\ude80y",[],{}],"":{"b":9007199254740993}} )",
        "{\n \"rows\": [[1, \"Ada \u2200\", null], [2, \"\\\"\", 2.25]],\n \"rest\": \"\" }\n\n",
        R"({"rows":[[1],[2,3]],"b":1})",
        R"({"rows":[{"x":1,"y":"\u0041"},{"y":"b","x":-7}]})",
        "-0",
        "12345",
        "1e5",
        "  null  ",
        "\"text\"",
        "",
        " ",
        "{",
        "[1,]",
        "[1] 2",
        "[1]  x",
        "{} {}",
        "1 2",
        "tru",
        "truex",
        "01",
        "1.",
        "-",
        "1e",
        "\"a",
        R"("\ud83d")",
        R"({"a":1,"a":2})",
        "[[[[[[]]]]]]",
        "[18446744073709551616]",
        "{\n  \"a\": ?\n}"}) {
    const std::string whole = read_text(read_json(text, kManyValues, rows));
    for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
      CAPTURE(text);
      CAPTURE(bytes);
      JsonReading reading(text, kManyValues, rows);
      std::size_t steps = 1;
      while (reading.read(bytes)) ++steps;
      CHECK(read_text(reading.take()) == whole);
      CHECK(steps <= (text.size() + bytes - 1) / bytes + 1);
    }
  }
  // Here the place may be any within the broken character.
  for (std::size_t bytes = 1; bytes <= 4; ++bytes) {
    JsonReading reading("\"\xE2\x88\"", kManyValues);
    while (reading.read(bytes)) {
    }
    CHECK_FALSE(reading.take().has_value());
  }
}

TEST_CASE("depth and the number of values are limited") {
  CHECK(read_json("[[[[]]]]", kLimits).has_value());
  CHECK(refusal("[[[[[]]]]]") == ErrorCode::limit_exceeded);
  CHECK(refusal(R"([{"a":[{"b":[]}]}])") == ErrorCode::limit_exceeded);
  CHECK(read_json("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]", kLimits).has_value());
  CHECK(refusal("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]") == ErrorCode::limit_exceeded);
  CHECK(refusal(std::string(1'000'000, '['), {.depth = 64, .values = 100}) == ErrorCode::limit_exceeded);
}

TEST_CASE("only UTF-8 is text") {
  CHECK(read_as<std::string>("\"\xE2\x88\x80\"") == "\xE2\x88\x80");
  CHECK(read_as<std::string>(R"("\ud83d\ude80")") == "\xF0\x9F\x9A\x80");
  CHECK(read_as<std::string>(R"("\u0000")") == std::string(1, '\0'));
  for (const char* const text : {"\"\xff\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
                                 "\"\xE2\x88\"", R"("\ud83d")", R"("\ude80")"}) {
    CHECK(refusal(text) == ErrorCode::malformed_request);
  }
}

TEST_CASE("what is not JSON is refused, with a message that says where") {
  for (const char* const text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "[1] 2", "01", "+1", ".5", "1.", "tru", "\"a",
        "\"\n\"", "// comment\n1", "{1:2}", "{\"a\" 1}", "nullx", "\"\\x\""}) {
    CAPTURE(text);
    CHECK(refusal(text) == ErrorCode::malformed_request);
  }
  const Result<JsonValue> result = read_json("{\n  \"a\": ?\n}", kLimits);
  CHECK(result.error().message.find("line 2") != std::string::npos);
  CHECK(result.error().message.find("json.exception") == std::string::npos);
}

}  // namespace quorate
