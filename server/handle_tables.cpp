// GET /v1/tables and GET /v1/tables/{table}
#include "server/handlers.hpp"
#include "server/json_writer.hpp"
#include "server/request_target.hpp"
#include "server/row_access.hpp"
#include "server/services.hpp"
#include "server/table_json.hpp"

namespace quorate {

HandlerResult get_tables(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options =
      decode_row_options(request, services.limits, {"consistency", "min_index", "timeout_ms"});
  if (!options) co_return std::unexpected(options.error());
  const Result<SchemaDescription> schema = co_await read_schema(services, *options, "");
  if (!schema) co_return std::unexpected(schema.error());
  HttpResponse response{.index = schema->index};
  response.body = "{\"tables\":[";
  bool first = true;
  for (const TableDescription& table : schema->tables) {
    if (!std::exchange(first, false)) response.body += ',';
    append_table(response.body, table);
  }
  response.body += "],\"index\":";
  append_json_integer(response.body, schema->index);
  response.body += '}';
  co_return response;
}

HandlerResult get_table(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options =
      decode_row_options(request, services.limits, {"consistency", "min_index", "timeout_ms"});
  if (!options) co_return std::unexpected(options.error());
  const std::string name = percent_decoded(request.path_arguments.front());
  const Result<SchemaDescription> schema = co_await read_schema(services, *options, name);
  if (!schema) co_return std::unexpected(schema.error());
  HttpResponse response{.index = schema->index};
  append_table(response.body, schema->tables.front());
  co_return response;
}

}  // namespace quorate
