// POST /v1/query and GET /v1/query
#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "server/await_result.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/query_json.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

// A large answer is written in pieces of so many rows, and other connections get their turn in between.
constexpr std::size_t kRowsPerTurn = 2'000;

Result<void> check_shape(const QueryRequest& request, const QueryAnswer& answer) {
  if (request.shape == RowShape::arrays) return {};
  const std::string* column = find_repeated_column(answer.result.columns);
  if (column == nullptr) return {};
  return fail(ErrorCode::malformed_request,
              "The result has more than one column named \"" + *column +
                  "\", which does not fit into objects. Name them with AS, or ask for "
                  "\"shape\": \"arrays\".");
}

boost::asio::awaitable<std::string> write_answer(const QueryRequest& request, const QueryAnswer& answer,
                                                 IntegerStyle integers) {
  const std::vector<Row>& rows = answer.result.rows;
  const ObjectRowWriter objects(request.shape == RowShape::objects ? answer.result.columns
                                                                   : std::vector<std::string>{});
  std::string out;
  append_answer_head(out, answer);
  for (std::size_t begin = 0; begin < rows.size(); begin += kRowsPerTurn) {
    if (begin != 0) co_await boost::asio::post(boost::asio::use_awaitable);
    const std::size_t end = std::min(begin + kRowsPerTurn, rows.size());
    if (request.shape == RowShape::objects) {
      objects.append(out, rows, begin, end, integers);
    } else {
      append_rows_as_arrays(out, rows, begin, end, integers);
    }
  }
  append_answer_tail(out, answer);
  co_return out;
}

Result<void> check_node(const Services& services, const std::string& node) {
  if (node.empty()) return {};
  const std::vector<NodeStatus> nodes = services.coordinator.known_status().nodes;
  if (std::ranges::find(nodes, node, &NodeStatus::id) != nodes.end()) return {};
  return fail(ErrorCode::not_found,
              "This cluster has no node \"" + node + "\". GET /v1/cluster lists its nodes.");
}

HandlerResult run_query(const Services& services, JsonValue body, IntegerStyle integers) {
  Result<QueryRequest> request = decode_query(body, services.limits);
  if (!request) co_return std::unexpected(std::move(request.error()));
  const Result<void> node = check_node(services, request->node);
  if (!node) co_return std::unexpected(node.error());
  const Deadline deadline = deadline_after(request->timeout);
  request->query.deadline = deadline;

  auto start = [&services, &request, deadline](MultiDbCoordinator::Callback<QueryAnswer> done) {
    services.coordinator.query(std::move(request->query), request->consistency, request->min_index, deadline,
                               std::move(done), std::move(request->node));
  };
  const Result<QueryAnswer> answer = co_await await_result<QueryAnswer>(std::move(start));
  if (!answer) co_return std::unexpected(answer.error());
  const Result<void> shape = check_shape(*request, *answer);
  if (!shape) co_return std::unexpected(shape.error());

  HttpResponse response{.index = answer->result.index};
  response.body = co_await write_answer(*request, *answer, integers);
  co_return response;
}

}  // namespace

HandlerResult post_query(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {"integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  Result<JsonValue> body = read_json(request.body, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return co_await run_query(services, std::move(*body), *integers);
}

HandlerResult get_query(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(
      request,
      {"sql", "params", "consistency", "min_index", "max_rows", "timeout_ms", "shape", "node", "integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  Result<JsonValue> body = query_parameters_as_json(request.query, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return co_await run_query(services, std::move(*body), *integers);
}

}  // namespace quorate
