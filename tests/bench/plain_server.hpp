// The HTTP server of the programs that show what the machine can do without Quorate: Boost.Beast, one thread, coroutines.
#pragma once

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
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace quorate::bench {

using PlainRequest = boost::beast::http::request<boost::beast::http::string_body>;
using PlainResponse = boost::beast::http::response<boost::beast::http::string_body>;

// What a Quorate server answers, but for the body.
inline PlainResponse plain_response(const PlainRequest& request, std::string body) {
  PlainResponse response(boost::beast::http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.set(boost::beast::http::field::content_type, "application/json");
  response.set("Quorate-Index", "123456");
  response.set("X-Request-Id", "bc07ca0b6208cd86");
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

// What a Quorate server answers a transaction of so many INSERTs with. The index is as many digits long as it is in the middle
// of a run.
inline std::string receipt(std::size_t statements) {
  std::string results;
  for (std::size_t number = 0; number < statements; ++number) {
    results +=
        fmt::format(R"({}{{"rows_affected":1,"last_insert_id":1000000000010241}})", number == 0 ? "" : ",");
  }
  return fmt::format(
      R"({{"transaction_id":"1a43a3b0dfb9a9d3c639e9cc3c37fef6","index":123456,"term":1,"mode":"quorum",)"
      R"("results":[{}],"nodes":{{"committed":["n1","n2","n3"],"pending":[]}}}})",
      results);
}

// Tells the service that there is one connection more, and later that there is one less.
template <typename Service>
class CountedConnection {
 public:
  explicit CountedConnection(Service& service) : service_(service) { service_.on_connection(1); }
  ~CountedConnection() { service_.on_connection(-1); }
  CountedConnection(const CountedConnection&) = delete;
  CountedConnection& operator=(const CountedConnection&) = delete;

 private:
  Service& service_;
};

// `service.answer(request)` gives the response, or an awaitable of it; an exception of its ends the connection.
template <typename Service>
boost::asio::awaitable<void> converse(boost::asio::ip::tcp::socket socket, Service& service) {
  namespace asio = boost::asio;
  namespace http = boost::beast::http;
  constexpr std::uint64_t kMaxBodyBytes = 16UL * 1024 * 1024;
  const CountedConnection<Service> counted(service);
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBodyBytes);
    const auto [error, size] =
        co_await http::async_read(socket, buffer, parser, asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    PlainResponse response;
    if constexpr (std::same_as<decltype(service.answer(parser.get())), PlainResponse>) {
      response = service.answer(parser.get());
    } else {
      response = co_await service.answer(parser.get());
    }
    co_await http::async_write(socket, response, asio::use_awaitable);
    if (!response.keep_alive()) co_return;
  }
}

template <typename Service>
boost::asio::awaitable<void> listen(boost::asio::ip::tcp::acceptor acceptor, Service& service) {
  namespace asio = boost::asio;
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error) continue;
    socket.set_option(asio::ip::tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), converse(std::move(socket), service), asio::detached);
  }
}

// Serves on 127.0.0.1 until the process ends.
template <typename Service>
void serve(boost::asio::io_context& context, std::uint16_t port, Service& service) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
  boost::asio::co_spawn(context, listen(std::move(acceptor), service), boost::asio::detached);
  context.run();
}

}  // namespace quorate::bench
