#include "server/parameters_json.hpp"

#include <charconv>
#include <limits>

#include "server/base64.hpp"
#include "server/request_fields.hpp"

namespace quorate {

namespace {

Result<Value> decode_base64_value(const Place& place, JsonValue::Object& object) {
  bool is_text = false;
  if (object.size() == 2) {
    const Result<bool> text = expect_boolean(place.at("text"), object[1].value);
    if (!text) return std::unexpected(text.error());
    is_text = *text;
  }
  const Result<std::string> encoded = expect_string(place.at("base64"), object[0].value);
  if (!encoded) return std::unexpected(encoded.error());
  std::optional<std::string> bytes = decode_base64(*encoded);
  if (!bytes)
    return malformed(place, "is not valid base64: standard alphabet, with padding, without spaces.");
  if (is_text) return Value(std::move(*bytes));
  return Value(Blob{std::move(*bytes)});
}

Result<Value> decode_integer_text(const Place& place, JsonValue& value) {
  const Result<std::string> text = expect_string(place, value);
  if (!text) return std::unexpected(text.error());
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), integer);
  if (error != std::errc() || end != text->data() + text->size()) {
    return malformed(place, "is not an integer of 64 bits with sign.");
  }
  return Value(integer);
}

Result<Value> decode_real_text(const Place& place, JsonValue& value) {
  const Result<std::string> text = expect_string(place, value);
  if (!text) return std::unexpected(text.error());
  if (*text == "Infinity") return Value(std::numeric_limits<double>::infinity());
  if (*text == "-Infinity") return Value(-std::numeric_limits<double>::infinity());
  return malformed(place, "must be \"Infinity\" or \"-Infinity\"; other reals are plain JSON numbers.");
}

Result<Value> decode_tagged_value(const Place& place, JsonValue::Object& object) {
  // The order of names does not matter to a client; it does to decode_base64_value.
  if (object.size() == 2 && object[0].name == "text") std::swap(object[0], object[1]);
  if (object.size() == 2 && object[0].name == "base64" && object[1].name == "text") {
    return decode_base64_value(place, object);
  }
  if (object.size() == 1) {
    JsonMember& member = object.front();
    if (member.name == "base64") return decode_base64_value(place, object);
    if (member.name == "integer") return decode_integer_text(place.at("integer"), member.value);
    if (member.name == "real") return decode_real_text(place.at("real"), member.value);
  }
  return malformed(place, kParameterForms);
}

Result<Parameters> decode_positional(const Place& place, JsonValue::Array& array) {
  Parameters parameters;
  parameters.positional.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    Result<Value> decoded = decode_value(place.at(i), array[i]);
    if (!decoded) return std::unexpected(std::move(decoded.error()));
    parameters.positional.push_back(std::move(*decoded));
  }
  return parameters;
}

Result<Parameters> decode_named(const Place& place, JsonValue::Object& object) {
  Parameters parameters;
  parameters.named.reserve(object.size());
  for (JsonMember& member : object) {
    Result<Value> decoded = decode_value(place.at(member.name), member.value);
    if (!decoded) return std::unexpected(std::move(decoded.error()));
    parameters.named.emplace_back(std::move(member.name), std::move(*decoded));
  }
  return parameters;
}

}  // namespace

Result<Value> decode_value(const Place& place, JsonValue& value) {
  if (const auto* integer = value.as<std::int64_t>()) return Value(*integer);
  if (auto* text = value.as<std::string>()) return Value(std::move(*text));
  if (const auto* real = value.as<double>()) return Value(*real);
  if (const auto* boolean = value.as<bool>()) return Value(std::int64_t{*boolean ? 1 : 0});
  if (value.as<JsonValue::Null>() != nullptr) return Value(Null{});
  if (auto* object = value.as<JsonValue::Object>()) return decode_tagged_value(place, *object);
  return malformed(place, kParameterForms);
}

Result<Parameters> decode_parameters(const Place& place, JsonValue& value, const CoreLimits& limits) {
  const auto is_too_many = [&](std::size_t count) { return count > limits.parameters_per_statement; };
  const auto too_many = [&](std::size_t count) {
    return too_large(place, "has " + std::to_string(count) + " parameters", limits.parameters_per_statement);
  };
  if (auto* array = value.as<JsonValue::Array>()) {
    if (is_too_many(array->size())) return too_many(array->size());
    return decode_positional(place, *array);
  }
  if (auto* object = value.as<JsonValue::Object>()) {
    if (is_too_many(object->size())) return too_many(object->size());
    return decode_named(place, *object);
  }
  if (value.as<JsonValue::Null>() != nullptr) return Parameters{};
  return wrong_type(place, value, "an array of values, or an object of values by name");
}

}  // namespace quorate
