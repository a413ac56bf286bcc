// quorate-echo PORT: answers what a Quorate server would, without a database, a log or another node. One thread.
#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::uint64_t kMaxBodyBytes = 16UL * 1024 * 1024;

// The index is as many digits long as it is in the middle of a run.
std::string written(const nlohmann::json& body) {
  std::string results;
  for (std::size_t number = 0; number < body.at("statements").size(); ++number) {
    results +=
        fmt::format(R"({}{{"rows_affected":1,"last_insert_id":1000000000010241}})", number == 0 ? "" : ",");
  }
  return fmt::format(
      R"({{"transaction_id":"1a43a3b0dfb9a9d3c639e9cc3c37fef6","index":123456,"term":1,"mode":"quorum",)"
      R"("results":[{}],"nodes":{{"committed":["n1","n2","n3"],"pending":[]}}}})",
      results);
}

std::string found(const nlohmann::json& body) {
  return fmt::format(
      R"({{"columns":["id","owner","balance","version"],"types":["INTEGER","TEXT","INTEGER","INTEGER"],)"
      R"("rows":[[{},"Ada Lovelace",100,1000000000000000]],"truncated":false,"index":123456,"node":"n1"}})",
      body.at("params").at(0).get<std::int64_t>());
}

Response answer(const Request& request) {
  Response response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "application/json");
  response.set("Quorate-Index", "123456");
  response.set("X-Request-Id", "bc07ca0b6208cd86");
  if (request.method() == http::verb::post) {
    const auto body = nlohmann::json::parse(request.body());
    response.body() = request.target() == "/v1/query" ? found(body) : written(body);
  }
  response.prepare_payload();
  return response;
}

asio::awaitable<void> converse(tcp::socket socket) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBodyBytes);
    co_await http::async_read(socket, buffer, parser, asio::use_awaitable);
    const Response response = answer(parser.get());
    co_await http::async_write(socket, response, asio::use_awaitable);
    if (!response.keep_alive()) co_return;
  }
}

asio::awaitable<void> listen(tcp::acceptor acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error) continue;
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), converse(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("usage: quorate-echo PORT");
    asio::io_context context(1);
    const tcp::endpoint here(asio::ip::address_v4::loopback(),
                             static_cast<std::uint16_t>(std::stoi(argv[1])));
    asio::co_spawn(context, listen(tcp::acceptor(context, here)), asio::detached);
    context.run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "quorate-echo: {}\n", error.what());
    return 1;
  }
}
