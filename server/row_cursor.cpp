#include "server/row_cursor.hpp"

#include <algorithm>

#include "server/base64.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"
#include "server/parameters_json.hpp"

namespace quorate {

namespace {

constexpr JsonLimits kCursorLimits{.depth = 3, .values = 10'000};

std::unexpected<Error> bad_cursor() {
  return fail(ErrorCode::malformed_request,
              "The query parameter cursor must be the next_cursor of an earlier page of this table.");
}

// Base64 for URLs (RFC 4648 §5), without padding.
std::string to_url_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::optional<std::string> from_url_base64(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string padded(text);
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  while (padded.size() % 4 != 0) padded += '=';
  return decode_base64(padded);
}

}  // namespace

std::string write_cursor(std::string_view table, const Row& last) {
  std::string json = "[";
  append_json_string(json, table);
  for (const Value& value : last) {
    json += ',';
    append_json_value(json, value, IntegerStyle::number);
  }
  json += ']';
  return to_url_base64(json);
}

Result<Row> read_cursor(std::string_view cursor, std::string_view table, std::size_t values) {
  const std::optional<std::string> text = from_url_base64(cursor);
  if (!text) return bad_cursor();
  Result<JsonValue> json = read_json(*text, kCursorLimits);
  auto* array = json ? json->as<JsonValue::Array>() : nullptr;
  if (array == nullptr || array->size() != values + 1) return bad_cursor();
  const auto* name = array->front().as<std::string>();
  if (name == nullptr || *name != table) return bad_cursor();
  Row last;
  for (std::size_t i = 1; i < array->size(); ++i) {
    Result<Value> value = decode_value(Place{}, (*array)[i]);
    if (!value) return bad_cursor();
    last.push_back(std::move(*value));
  }
  if (write_cursor(table, last) != cursor) return bad_cursor();
  return last;
}

}  // namespace quorate
