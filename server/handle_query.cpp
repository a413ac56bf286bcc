// POST /v1/query and GET /v1/query
#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <limits>

#include "server/accepted_media.hpp"
#include "server/await_result.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/json_reader.hpp"
#include "server/problem.hpp"
#include "server/query_json.hpp"
#include "server/result_body.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

// A large answer is written in pieces of so many rows, and other connections get their turn in between.
constexpr std::size_t kRowsPerTurn = 2'000;

Result<void> check_shape(const QueryRequest& request, const std::vector<std::string>& columns) {
  if (request.shape == RowShape::arrays) return {};
  const std::string* column = find_repeated_column(columns);
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

// What a result can be sent as, in the order of preference.
enum class Media : std::size_t { json, ndjson, csv };
constexpr std::array<std::string_view, 3> kMedia{"application/json", "application/x-ndjson", "text/csv"};

HandlerResult run_query(const Services& services, QueryRequest request, IntegerStyle integers,
                        const RequestContext& context) {
  const Deadline deadline = deadline_after(request.timeout);
  request.query.deadline = deadline;
  auto at_once =
      services.coordinator.query_at_once(request.query, request.consistency, request.min_index, request.node);
  auto start = [&services, &request, &context, deadline](MultiDbCoordinator::Callback<QueryAnswer> done) {
    services.coordinator.query(std::move(request.query), request.consistency, request.min_index, deadline,
                               std::move(done), std::move(request.node), context);
  };
  const Result<QueryAnswer> answer =
      at_once ? std::move(*at_once) : co_await await_result<QueryAnswer>(std::move(start));
  if (!answer) co_return std::unexpected(answer.error());
  const Result<void> shape = check_shape(request, answer->result.columns);
  if (!shape) co_return std::unexpected(shape.error());

  HttpResponse response{.index = answer->result.index};
  response.body = co_await write_answer(request, *answer, integers);
  co_return response;
}

// Answers once the first piece is there: what fails before still has its status.
HandlerResult stream_query(const Services& services, QueryRequest request, IntegerStyle integers, Media media,
                           const RequestContext& context) {
  const Deadline deadline = deadline_after(request.timeout);
  auto start = [&services, &request, &context,
                deadline](MultiDbCoordinator::Callback<std::unique_ptr<QueryStream>> done) {
    services.coordinator.open_stream(std::move(request.query), request.consistency, request.min_index,
                                     deadline, std::move(done), std::move(request.node), context);
  };
  Result<std::unique_ptr<QueryStream>> stream =
      co_await await_result<std::unique_ptr<QueryStream>>(std::move(start));
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  const ResultHead& head = (*stream)->head();
  const Result<void> shape = media == Media::csv ? Result<void>() : check_shape(request, head.columns);
  if (!shape) co_return std::unexpected(shape.error());
  Result<ResultPiece> first = co_await await_piece(**stream);
  if (!first) co_return std::unexpected(std::move(first.error()));

  auto format = media == Media::csv ? make_csv() : make_ndjson(request.shape, head, integers);
  HttpResponse response{.content_type = format->content_type(), .index = head.index};
  response.headers.emplace_back("Trailer", kRowsTrailer);
  response.stream =
      std::make_unique<ResultBody>(std::move(*stream), std::move(*first), std::move(format), context.id);
  co_return response;
}

HandlerResult answer_query(const Services& services, const HttpRequest& request, JsonValue body) {
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  const std::optional<std::size_t> chosen = choose_media(request.headers.joined("Accept"), kMedia);
  if (!chosen) {
    const char* detail = "There is application/json, application/x-ndjson and text/csv (in UTF-8).";
    co_return problem_response(HttpProblem::not_acceptable, detail, request.context.id);
  }
  const auto media = static_cast<Media>(*chosen);
  if (media != Media::json && !request.http_1_1) {
    co_return needs_http_1_1(request, "Streamed results need HTTP/1.1.");
  }
  CoreLimits limits = services.limits;
  if (media != Media::json) limits.result_rows = std::numeric_limits<std::int64_t>::max();
  Result<QueryRequest> query = decode_query(body, limits);
  if (!query) co_return std::unexpected(std::move(query.error()));
  const Result<void> node = check_node(services, query->node);
  if (!node) co_return std::unexpected(node.error());
  Result<HttpResponse> answer = fail(ErrorCode::internal, "");
  if (media == Media::json) {
    answer = co_await run_query(services, std::move(*query), *integers, request.context);
  } else {
    answer = co_await stream_query(services, std::move(*query), *integers, media, request.context);
  }
  if (answer) answer->headers.emplace_back("Vary", "Accept");
  co_return answer;
}

}  // namespace

HandlerResult post_query(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {"integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  Result<JsonValue> body = co_await read_body(request.body, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return co_await answer_query(services, request, std::move(*body));
}

HandlerResult get_query(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(
      request,
      {"sql", "params", "consistency", "min_index", "max_rows", "timeout_ms", "shape", "node", "integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  Result<JsonValue> body = query_parameters_as_json(request.query, services.json_limits);
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return co_await answer_query(services, request, std::move(*body));
}

}  // namespace quorate
