// PUT, PATCH and DELETE /v1/tables/{table}/rows/{id}
#include <algorithm>

#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/problem.hpp"
#include "server/row_access.hpp"
#include "server/row_body.hpp"
#include "server/row_id.hpp"
#include "server/row_json.hpp"
#include "server/row_precondition.hpp"
#include "server/row_sql.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

// A change of one row, checked as far as it can be without asking for the row.
struct RowChange {
  RowOptions options;
  RowTable table;
  Row key;
  RowPrecondition precondition;
};

Result<void> check_versioned(const RowTable& table) {
  if (table.layout.version) return {};
  const bool has_other = std::ranges::any_of(
      table.layout.columns, [](const std::string& column) { return equal_ignoring_case(column, "version"); });
  return fail(
      ErrorCode::version_column_missing,
      "The table \"" + table.layout.table + "\" has no column \"version\"" +
          (has_other
               ? " that can be counted up: it is generated, or part of the key. Change its rows with "
                 "POST /v1/transactions."
               : ", so that two writers could not be told apart. Add it with: ALTER TABLE " +
                     quoted_name(table.layout.table) + " ADD COLUMN version INTEGER NOT NULL DEFAULT 1"));
}

Access<RowChange> prepare_change(const Services& services, const HttpRequest& request) {
  Result<RowOptions> options =
      decode_row_options(request, services.limits, {"mode", "timeout_ms", "integers"});
  if (!options) co_return std::unexpected(options.error());
  Result<RowTable> table = co_await find_row_table(services, *options, request);
  if (!table) co_return std::unexpected(table.error());
  const Result<void> versioned = check_versioned(*table);
  if (!versioned) co_return std::unexpected(versioned.error());
  Result<Row> key = parse_row_id(request.path_arguments.back(), table->layout.key.size());
  if (!key) co_return std::unexpected(key.error());
  Result<RowPrecondition> precondition = read_precondition(request, request.method == HttpMethod::put);
  if (!precondition) co_return std::unexpected(precondition.error());
  co_return RowChange{.options = std::move(*options),
                      .table = std::move(*table),
                      .key = std::move(*key),
                      .precondition = std::move(*precondition)};
}

Access<ColumnValues> read_change(const Services& services, const HttpRequest& request,
                                 const RowChange& change) {
  Result<JsonValue> body = co_await read_body(request.body, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  Result<ColumnValues> values = decode_row(*body, change.table.description, change.table.layout);
  if (!values) co_return values;
  co_return without_identity(std::move(*values), change.table.layout, change.key, change.precondition);
}

// Why a change met no row: it is gone, or it has another version than the client thinks.
HandlerResult explain_refusal(const Services& services, const HttpRequest& request, const RowChange& change) {
  const RowLayout& layout = change.table.layout;
  const bool creates = change.precondition.kind == RowPrecondition::Kind::absent;
  RowOptions options = change.options;
  options.consistency = ReadConsistency::linearizable;  // sees what has just stood in the way
  Query query = select_row(layout, change.key);
  const Result<QueryAnswer> answer = co_await read_rows(services, options, std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  const bool gone = answer->result.rows.empty();
  const std::string row = "row " + request.path_arguments.back() + " of the table \"" + layout.table + "\"";
  if (gone && !creates) co_return fail(ErrorCode::not_found, "There is no " + row + ".");
  Error error{
      .code = ErrorCode::precondition_failed,
      .message = creates ? "There was a " + row + " already." : "The " + row + " has another version."};
  std::string members;
  const Value version = gone ? Value(Null{}) : version_of(layout, answer->result.rows.front());
  members += ",\"current_version\":";
  append_json_value(members, version, change.options.integers);
  HttpResponse response = problem_response(error, request.context.id, members);
  if (const auto tag = entity_tag(version)) response.headers.emplace_back("ETag", *tag);
  response.index = answer->result.index;
  co_return response;
}

HandlerResult run_change(const Services& services, const HttpRequest& request, const RowChange& change,
                         Statement statement) {
  const Result<WriteReceipt> receipt =
      co_await write_row(services, change.options, request, std::move(statement));
  if (!receipt && receipt.error().code == ErrorCode::row_count_mismatch) {
    co_return co_await explain_refusal(services, request, change);
  }
  if (!receipt) co_return std::unexpected(receipt.error());
  HttpResponse response{.status = 204};
  const std::vector<Row>& rows = receipt->result.statements.front().rows;
  if (!rows.empty() && change.precondition.kind == RowPrecondition::Kind::absent) {
    response = created_response(change.table.layout, rows.front(), change.options.integers);
  } else if (!rows.empty()) {
    response = row_response(200, change.table.layout, rows.front(), change.options.integers);
  }
  response.index = receipt->index;
  co_return response;
}

ColumnValues with_key(ColumnValues values, const RowLayout& layout, const Row& key) {
  for (std::size_t i = 0; i < key.size(); ++i) values.emplace_back(layout.columns[layout.key[i]], key[i]);
  return values;
}

}  // namespace

HandlerResult put_row(const Services& services, const HttpRequest& request) {
  const Result<RowChange> change = co_await prepare_change(services, request);
  if (!change) co_return std::unexpected(change.error());
  Result<ColumnValues> values = co_await read_change(services, request, *change);
  if (!values) co_return std::unexpected(values.error());
  const RowLayout& layout = change->table.layout;
  Statement statement;
  if (change->precondition.kind == RowPrecondition::Kind::absent) {
    statement = create_row(layout, with_key(std::move(*values), layout, change->key));
  } else {
    statement = replace_row(layout, change->key, change->precondition, std::move(*values),
                            writable_columns(change->table.description, layout));
  }
  co_return co_await run_change(services, request, *change, std::move(statement));
}

HandlerResult patch_row(const Services& services, const HttpRequest& request) {
  const Result<RowChange> change = co_await prepare_change(services, request);
  if (!change) co_return std::unexpected(change.error());
  Result<ColumnValues> values = co_await read_change(services, request, *change);
  if (!values) co_return std::unexpected(values.error());
  Statement statement =
      change_row(change->table.layout, change->key, change->precondition, std::move(*values));
  co_return co_await run_change(services, request, *change, std::move(statement));
}

HandlerResult delete_row(const Services& services, const HttpRequest& request) {
  const Result<RowChange> change = co_await prepare_change(services, request);
  if (!change) co_return std::unexpected(change.error());
  Statement statement = remove_row(change->table.layout, change->key, change->precondition);
  co_return co_await run_change(services, request, *change, std::move(statement));
}

}  // namespace quorate
