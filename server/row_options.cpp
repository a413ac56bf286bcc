#include "server/row_options.hpp"

#include <limits>

#include "server/handler_tools.hpp"
#include "server/query_json.hpp"
#include "server/request_fields.hpp"

namespace quorate {

namespace {

constexpr std::int64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();

void decode_option(const Place& place, JsonMember& member, const CoreLimits& limits, RowOptions& options,
                   std::optional<Error>& error) {
  JsonValue& value = member.value;
  if (member.name == "consistency") {
    store(expect_consistency(place, value), options.consistency, error);
  } else if (member.name == "min_index") {
    store(expect_integer(place, value, 0, kMaxIndex), options.min_index, error);
  } else if (member.name == "mode") {
    store(expect_mode(place, value), options.mode, error);
  } else if (member.name == "limit") {
    store(expect_integer(place, value, 1, std::int64_t{kMaxPageRows}), options.limit, error);
  } else if (member.name == "cursor") {
    store(expect_string(place, value), options.cursor, error);
  } else if (member.name == "timeout_ms") {
    std::chrono::milliseconds timeout{};
    store(expect_timeout(place, value, limits), timeout, error);
    options.deadline = deadline_after(timeout);
  }
}

}  // namespace

Result<RowOptions> decode_row_options(const HttpRequest& request, const CoreLimits& limits,
                                      std::initializer_list<std::string_view> known) {
  const Result<void> parameters = check_query_parameters(request, known);
  if (!parameters) return std::unexpected(parameters.error());
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) return std::unexpected(integers.error());
  Result<JsonValue> body = query_parameters_as_json(request.query, JsonLimits{});
  if (!body) return std::unexpected(std::move(body.error()));

  RowOptions options{
      .deadline = deadline_after(limits.default_timeout), .integers = *integers, .context = request.context};
  const Place root;
  std::optional<Error> error;
  for (JsonMember& member : *body->as<JsonValue::Object>()) {
    decode_option(root.at(member.name), member, limits, options, error);
    if (error) return std::unexpected(std::move(*error));
  }
  return options;
}

}  // namespace quorate
