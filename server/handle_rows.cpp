// GET and POST /v1/tables/{table}/rows, GET /v1/tables/{table}/rows/{id}
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/row_access.hpp"
#include "server/row_body.hpp"
#include "server/row_cursor.hpp"
#include "server/row_id.hpp"
#include "server/row_json.hpp"
#include "server/row_precondition.hpp"
#include "server/row_sql.hpp"
#include "server/services.hpp"

namespace quorate {

HandlerResult get_rows(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options = decode_row_options(
      request, services.limits, {"limit", "cursor", "consistency", "min_index", "timeout_ms", "integers"});
  if (!options) co_return std::unexpected(options.error());
  const Result<RowTable> table = co_await find_row_table(services, *options, request);
  if (!table) co_return std::unexpected(table.error());
  const RowLayout& layout = table->layout;
  Result<Row> last = Row{};
  if (!options->cursor.empty()) last = read_cursor(options->cursor, layout.table, layout.order.size());
  if (!last) co_return std::unexpected(last.error());

  Query query = select_page(layout, *last, options->limit);
  Result<QueryAnswer> answer = co_await read_rows(services, *options, std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  HttpResponse response{.index = answer->result.index};
  response.body = page_json(layout, std::move(answer->result), options->integers);
  co_return response;
}

HandlerResult get_row(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options =
      decode_row_options(request, services.limits, {"consistency", "min_index", "timeout_ms", "integers"});
  if (!options) co_return std::unexpected(options.error());
  const Result<RowTable> table = co_await find_row_table(services, *options, request);
  if (!table) co_return std::unexpected(table.error());
  const RowLayout& layout = table->layout;
  const std::string& id = request.path_arguments.back();
  const Result<Row> key = parse_row_id(id, layout.key.size());
  if (!key) co_return std::unexpected(key.error());

  Query query = select_row(layout, *key);
  const Result<QueryAnswer> answer = co_await read_rows(services, *options, std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->result.rows.empty()) {
    co_return fail(ErrorCode::not_found, "The table \"" + layout.table + "\" has no row " + id + ".");
  }
  const Row& row = answer->result.rows.front();
  HttpResponse response = row_response(200, layout, row, options->integers);
  response.index = answer->result.index;
  if (is_not_modified(request, entity_tag(version_of(layout, row)))) {
    response.status = 304;
    response.body.clear();
  }
  co_return response;
}

HandlerResult post_row(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options =
      decode_row_options(request, services.limits, {"mode", "timeout_ms", "integers"});
  if (!options) co_return std::unexpected(options.error());
  Result<JsonValue> body = co_await read_body(request.body, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  const Result<RowTable> table = co_await find_row_table(services, *options, request);
  if (!table) co_return std::unexpected(table.error());
  Result<ColumnValues> values = decode_row(*body, table->description, table->layout);
  if (!values) co_return std::unexpected(values.error());

  Statement statement = insert_row(table->layout, std::move(*values));
  const Result<WriteReceipt> receipt = co_await write_row(services, *options, request, std::move(statement));
  if (!receipt) co_return std::unexpected(receipt.error());
  const Row& stored = receipt->result.statements.front().rows.front();
  HttpResponse response = created_response(table->layout, stored, options->integers);
  response.index = receipt->index;
  co_return response;
}

}  // namespace quorate
