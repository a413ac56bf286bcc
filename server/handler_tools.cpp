#include "server/handler_tools.hpp"

#include "server/problem.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/services.hpp"

namespace quorate {

namespace {

constexpr std::size_t kBytesPerTurn = 128UL * 1024;  // of a body: some 0.3 ms

}  // namespace

boost::asio::awaitable<Result<JsonValue>> read_body(std::string_view body, JsonLimits limits,
                                                    JsonRowsMember rows) {
  if (body.size() <= kBytesPerTurn) co_return read_json(body, limits, rows);
  JsonReading reading(body, limits, rows);
  while (reading.read(kBytesPerTurn)) co_await boost::asio::post(boost::asio::use_awaitable);
  co_return reading.take();
}

Result<void> check_query_parameters(const HttpRequest& request,
                                    std::initializer_list<std::string_view> known) {
  for (const QueryParameter& parameter : request.query) {
    if (std::ranges::find(known, parameter.name) == known.end()) {
      std::string message = "There is no query parameter \"" + parameter.name + "\" here.";
      if (known.size() != 0) message += " Known are:";
      for (const std::string_view name : known) message.append(" ").append(name);
      return fail(ErrorCode::malformed_request, std::move(message));
    }
  }
  return {};
}

Result<void> check_mode(const Services& services, const Transaction& transaction) {
  if (transaction.mode != ConsistencyMode::quorum) return {};
  if (services.coordinator.known_mode() == ConsistencyMode::quorum) return {};
  return fail(ErrorCode::malformed_request,
              "/mode \"quorum\" is weaker than the cluster's mode, \"dual_write\". A request may only "
              "strengthen it.");
}

Result<IntegerStyle> integer_style(const HttpRequest& request) {
  const std::string* style = request.find_query("integers");
  if (style == nullptr || *style == "number") return IntegerStyle::number;
  if (*style == "string") return IntegerStyle::string;
  return fail(ErrorCode::malformed_request, "The query parameter integers must be \"string\" or \"number\".");
}

HttpResponse needs_http_1_1(const HttpRequest& request, std::string_view detail) {
  HttpResponse response = problem_response(HttpProblem::http_version, detail, request.context.id);
  response.headers.emplace_back("Upgrade", "HTTP/1.1");
  response.headers.emplace_back("Connection", "upgrade");
  return response;
}

}  // namespace quorate
