#include "server/query_json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "server/parameters_json.hpp"
#include "server/request_fields.hpp"

namespace quorate {

namespace {

constexpr std::string_view kQueryFields =
    "sql, params, consistency, min_index, max_rows, timeout_ms, shape, node";

Result<RowShape> expect_shape(const Place& place, JsonValue& value) {
  const Result<std::string> text = expect_string(place, value);
  if (!text) return std::unexpected(text.error());
  if (*text == "arrays") return RowShape::arrays;
  if (*text == "objects") return RowShape::objects;
  return malformed(place, "must be \"arrays\" or \"objects\".");
}

// True when the field is known; what is wrong with it is then in `error`.
bool decode_field(const Place& place, JsonMember& member, const CoreLimits& limits, QueryRequest& request,
                  std::optional<Error>& error) {
  JsonValue& value = member.value;
  if (member.name == "sql") {
    store(expect_sql(place, value, limits), request.query.sql, error);
  } else if (member.name == "params") {
    store(decode_parameters(place, value, limits), request.query.parameters, error);
  } else if (member.name == "consistency") {
    store(expect_consistency(place, value), request.consistency, error);
  } else if (member.name == "min_index") {
    store(expect_integer(place, value, 0, std::numeric_limits<std::int64_t>::max()), request.min_index,
          error);
  } else if (member.name == "max_rows") {
    store(expect_integer(place, value, 1, static_cast<std::int64_t>(limits.result_rows)),
          request.query.max_rows, error);
  } else if (member.name == "timeout_ms") {
    store(expect_timeout(place, value, limits), request.timeout, error);
  } else if (member.name == "shape") {
    store(expect_shape(place, value), request.shape, error);
  } else if (member.name == "node") {
    store(expect_string(place, value), request.node, error);
  } else {
    return false;
  }
  return true;
}

// In a URL everything is text; what stands for an integer becomes one, so that one decoder serves both.
JsonValue integer_or_text(const std::string& text) {
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (error == std::errc() && end == text.data() + text.size()) return {integer};
  return {text};
}

Result<JsonValue> parameter_as_json(const QueryParameter& parameter, const JsonLimits& limits) {
  if (parameter.name == "params") {
    Result<JsonValue> params = read_json(parameter.value, limits);
    if (!params) params.error().message = "The query parameter params: " + params.error().message;
    return params;
  }
  const bool is_number = parameter.name == "min_index" || parameter.name == "max_rows" ||
                         parameter.name == "timeout_ms" || parameter.name == "limit" ||
                         parameter.name == "rows_per_transaction";
  return is_number ? integer_or_text(parameter.value) : JsonValue{parameter.value};
}

}  // namespace

Result<QueryRequest> decode_query(JsonValue& body, const CoreLimits& limits) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  QueryRequest request{.query = {}, .timeout = limits.default_timeout};
  request.query.max_rows = limits.result_rows;
  request.query.max_bytes = limits.result_bytes;
  std::optional<Error> error;
  for (JsonMember& member : **object) {
    if (!decode_field(root.at(member.name), member, limits, request, error)) {
      return unknown_field(root, member.name, kQueryFields);
    }
    if (error) return std::unexpected(std::move(*error));
  }
  if (request.query.sql.empty()) return malformed(root, "needs the field \"sql\".");
  if (!request.node.empty() && request.consistency != ReadConsistency::local) {
    return malformed(root.at("node"), "can only be given with \"consistency\": \"local\".");
  }
  return request;
}

Result<JsonValue> query_parameters_as_json(const std::vector<QueryParameter>& parameters,
                                           const JsonLimits& limits) {
  JsonValue::Object object;
  for (const QueryParameter& parameter : parameters) {
    if (parameter.name == "integers") continue;
    if (std::ranges::find(object, parameter.name, &JsonMember::name) != object.end()) {
      return fail(ErrorCode::malformed_request, "The query parameter " + parameter.name + " is given twice.");
    }
    Result<JsonValue> value = parameter_as_json(parameter, limits);
    if (!value) return value;
    object.push_back({.name = parameter.name, .value = std::move(*value)});
  }
  return JsonValue{std::move(object)};
}

void append_answer_head(std::string& out, const QueryAnswer& answer) {
  out += "{\"columns\":";
  append_json_strings(out, answer.result.columns);
  out += ",\"types\":";
  append_json_strings(out, answer.result.types);
  out += ",\"rows\":[";
}

void append_answer_tail(std::string& out, const QueryAnswer& answer) {
  out += answer.result.truncated ? "],\"truncated\":true,\"index\":" : "],\"truncated\":false,\"index\":";
  append_json_integer(out, answer.result.index);
  out += ",\"node\":";
  append_json_string(out, answer.node);
  out += '}';
}

}  // namespace quorate
