#include "server/row_access.hpp"

#include <algorithm>

#include "server/await_result.hpp"
#include "server/handler_tools.hpp"
#include "server/idempotency.hpp"
#include "server/request_target.hpp"

namespace quorate {

namespace {

Result<Transaction> make_transaction(const Services& services, const RowOptions& options,
                                     const HttpRequest& request, Statement statement) {
  Transaction transaction;
  transaction.statements.push_back(std::move(statement));
  transaction.mode = options.mode;
  const Result<void> mode = check_mode(services, transaction);
  if (!mode) return std::unexpected(mode.error());
  const Result<void> key = take_idempotency_key(request, services.limits, transaction);
  if (!key) return std::unexpected(key.error());
  return transaction;
}

}  // namespace

Access<QueryAnswer> read_rows(const Services& services, const RowOptions& options, Query query) {
  query.max_bytes = services.limits.result_bytes;
  query.deadline = options.deadline;
  auto at_once = services.coordinator.query_at_once(query, options.consistency, options.min_index);
  if (at_once) co_return std::move(*at_once);
  auto start = [&services, &options, &query](MultiDbCoordinator::Callback<QueryAnswer> done) {
    services.coordinator.query(std::move(query), options.consistency, options.min_index, options.deadline,
                               std::move(done), {}, options.context);
  };
  co_return co_await await_result<QueryAnswer>(std::move(start));
}

Access<SchemaDescription> read_schema(const Services& services, RowOptions& options,
                                      const std::string& table) {
  Query query{.kind = QueryKind::schema, .sql = table};
  const Result<QueryAnswer> answer = co_await read_rows(services, options, std::move(query));
  if (!answer) co_return std::unexpected(answer.error());
  Result<SchemaDescription> schema = from_rows(answer->result);
  if (!schema) co_return schema;
  // What a leader has confirmed once need not be confirmed again: whoever has come to that index has it.
  options.min_index = std::max(options.min_index, schema->index);
  if (options.consistency == ReadConsistency::linearizable) options.consistency = ReadConsistency::leader;
  if (!table.empty() && schema->tables.empty()) {
    co_return fail(ErrorCode::not_found,
                   "There is no table \"" + table + "\". GET /v1/tables lists what there is.");
  }
  co_return schema;
}

Access<RowTable> find_row_table(const Services& services, RowOptions& options, const HttpRequest& request) {
  const std::string name = percent_decoded(request.path_arguments.front());
  Result<SchemaDescription> schema = co_await read_schema(services, options, name);
  if (!schema) co_return std::unexpected(std::move(schema.error()));
  TableDescription& table = schema->tables.front();
  Result<RowLayout> layout = layout_of(table);
  if (!layout) co_return std::unexpected(std::move(layout.error()));
  co_return RowTable{.description = std::move(table), .layout = std::move(*layout)};
}

Access<WriteReceipt> write_row(const Services& services, const RowOptions& options,
                               const HttpRequest& request, Statement statement) {
  Result<Transaction> transaction = make_transaction(services, options, request, std::move(statement));
  if (!transaction) co_return std::unexpected(std::move(transaction.error()));
  auto start = [&services, &options, &transaction](MultiDbCoordinator::Callback<WriteReceipt> done) {
    services.coordinator.write(std::move(*transaction), options.deadline, std::move(done), options.context);
  };
  Result<WriteReceipt> receipt = co_await await_result<WriteReceipt>(std::move(start));
  if (!receipt) receipt.error().statement.reset();  // the client sent none
  co_return receipt;
}

}  // namespace quorate
