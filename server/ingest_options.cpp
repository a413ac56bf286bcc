#include "server/ingest_options.hpp"

#include "server/handler_tools.hpp"
#include "server/query_json.hpp"
#include "server/request_fields.hpp"

namespace quorate {
namespace {

Result<std::optional<std::size_t>> decode_rows(const Place& place, JsonValue& value,
                                               const CoreLimits& limits) {
  if (const auto* text = value.as<std::string>(); text != nullptr && *text == "all") return std::nullopt;
  const Result<std::int64_t> rows =
      expect_integer(place, value, 1, static_cast<std::int64_t>(limits.parameter_rows));
  if (!rows) return std::unexpected(rows.error());
  return static_cast<std::size_t>(*rows);
}

Result<bool> decode_flag(const Place& place, JsonValue& value) {
  const auto* text = value.as<std::string>();
  if (text != nullptr && (*text == "true" || *text == "false")) return *text == "true";
  return malformed(place, "must be true or false.");
}

}  // namespace

Result<IngestOptions> decode_ingest(const HttpRequest& request, const JsonLimits& json_limits,
                                    const CoreLimits& limits) {
  if (auto known = check_query_parameters(
          request, {"sql", "rows_per_transaction", "allow_no_rows", "mode", "timeout_ms", "integers"});
      !known)
    return std::unexpected(known.error());
  Result<JsonValue> given = query_parameters_as_json(request.query, json_limits);
  if (!given) return std::unexpected(given.error());
  IngestOptions options{.timeout = limits.default_timeout};
  const Place root;
  std::optional<Error> error;
  for (JsonMember& member : *given->as<JsonValue::Object>()) {
    const Place field = root.at(member.name);
    if (member.name == "sql") store(expect_sql(field, member.value, limits), options.statement.sql, error);
    if (member.name == "rows_per_transaction")
      store(decode_rows(field, member.value, limits), options.rows_per_transaction, error);
    if (member.name == "allow_no_rows")
      store(decode_flag(field, member.value), options.statement.allow_no_rows, error);
    if (member.name == "mode") store(expect_mode(field, member.value), options.mode, error);
    if (member.name == "timeout_ms")
      store(expect_timeout(field, member.value, limits), options.timeout, error);
    if (error) return std::unexpected(std::move(*error));
  }
  if (options.statement.sql.empty())
    return fail(ErrorCode::malformed_request,
                "The query parameter sql is needed: a statement with placeholders.");
  return options;
}

}  // namespace quorate
