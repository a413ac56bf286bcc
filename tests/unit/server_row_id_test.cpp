#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "server/row_cursor.hpp"
#include "server/row_id.hpp"

namespace quorate {
namespace {

Value integer(std::int64_t value) {
  return value;
}
Value text(std::string value) {
  return value;
}

Row parsed(std::string_view encoded, std::size_t parts = 1) {
  Result<Row> key = parse_row_id(encoded, parts);
  REQUIRE(key.has_value());
  return *key;
}

}  // namespace

TEST_CASE("a part of a row's id is an integer, a text or a BLOB") {
  CHECK(parsed("42") == Row{integer(42)});
  CHECK(parsed("-9223372036854775808") == Row{integer(std::numeric_limits<std::int64_t>::min())});
  CHECK(parsed("a%2Fb%2Cc%20%22d%22") == Row{text("a/b,c \"d\"")});
  CHECK(parsed("%C3%A4") == Row{text("\xC3\xA4")});
  CHECK(parsed("text:42") == Row{text("42")});
  CHECK(parsed("text:") == Row{text("")});
  CHECK(parsed("base64:AAE%3D") == Row{Blob{std::string("\0\1", 2)}});
  // Only an integer as it is always written is one; a colon that is escaped belongs to the text.
  for (const char* const other : {"042", "+1", "1.0", "-0", "9223372036854775808", "%34%32", " 1"}) {
    CAPTURE(other);
    CHECK(std::holds_alternative<std::string>(parsed(other)[0]));
  }
  CHECK(parsed("base64%3AAAE%3D") == Row{text("base64:AAE=")});
  CHECK(parsed("other:1") == Row{text("other:1")});
}

TEST_CASE("the parts of a composite id stand between commas") {
  CHECK(parsed("a,1", 2) == Row{text("a"), integer(1)});
  CHECK(parsed("a%2C1,b", 2) == Row{text("a,1"), text("b")});
  CHECK(parsed(",", 2) == Row{text(""), text("")});
  for (const auto& [encoded, parts] : {std::pair("a,b", 1), {"a", 2}, {"a,b,c", 2}}) {
    CAPTURE(encoded);
    CHECK(parse_row_id(encoded, static_cast<std::size_t>(parts)).error().code ==
          ErrorCode::malformed_request);
  }
  CHECK(parse_row_id("base64:A", 1).error().code == ErrorCode::malformed_request);
}

TEST_CASE("every key that has an id comes back from it") {
  const std::vector<Row> keys{{integer(5)},
                              {integer(-1), text("x")},
                              {text("5")},
                              {text("")},
                              {text("..")},
                              {text("a,b/c?d#e%f\"g' ~"), text("")},
                              {text("text:1"), text("base64:")},
                              {text(std::string("\0\n\xFF", 3))},
                              {Blob{"\xFF\xFE\xFD"}, Blob{""}}};
  for (const Row& key : keys) {
    const std::optional<std::string> id = format_row_id(key);
    REQUIRE(id.has_value());
    CAPTURE(*id);
    CHECK(parsed(*id, key.size()) == key);
  }
  CHECK_FALSE(format_row_id({Null{}}).has_value());
  CHECK_FALSE(format_row_id({integer(1), std::numeric_limits<double>::infinity()}).has_value());
  // What a path cannot say plainly.
  CHECK(format_row_id({text("")}) == "text:");
  CHECK(format_row_id({text(".")}) == "text:.");
}

TEST_CASE("keys are the same when a column with a type takes one for the other") {
  CHECK(is_same_key(integer(5), text("5")));
  CHECK(is_same_key(5.0, integer(5)));
  CHECK(is_same_key(1.5, text("1.5")));
  CHECK(is_same_key(Blob{"x"}, Blob{"x"}));
  CHECK_FALSE(is_same_key(integer(5), integer(6)));
  CHECK_FALSE(is_same_key(text("x"), Blob{"x"}));
  CHECK_FALSE(is_same_key(Null{}, text("")));
}

TEST_CASE("a cursor comes back exactly, and is safe in a URL") {
  const Row last{
      integer(std::numeric_limits<std::int64_t>::max()), text("\xC3\xA4/?\""),           Null{},      -0.5,
      std::numeric_limits<double>::infinity(),           Blob{std::string("\0\xFF", 2)}, text("\xFF")};
  const std::string cursor = write_cursor("t", last);
  CHECK(cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
  const Result<Row> back = read_cursor(cursor, "t", last.size());
  REQUIRE(back.has_value());
  CHECK(*back == last);
}

TEST_CASE("a cursor that was not made for this table is refused") {
  const std::string cursor = write_cursor("t", {integer(1), text("a")});
  CHECK(read_cursor(cursor, "t", 2).has_value());
  CHECK_FALSE(read_cursor(cursor, "other", 2).has_value());
  CHECK_FALSE(read_cursor(cursor, "t", 1).has_value());
  CHECK_FALSE(read_cursor(cursor, "t", 3).has_value());
  for (std::size_t size = 0; size < cursor.size(); ++size) {
    CAPTURE(size);
    CHECK(read_cursor(cursor.substr(0, size), "t", 2).error().code == ErrorCode::malformed_request);
  }
  for (const char* const bad :
       {"=", "WyJ0IiwxLCJhIl0=", "e30", "W10", "bnVsbA", "WyJ0IixbXSwxXQ", "\xFF", "a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_cursor(bad, "t", 2).has_value());
  }
}

}  // namespace quorate
