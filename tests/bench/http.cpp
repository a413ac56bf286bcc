#include "tests/bench/http.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace quorate::bench {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadBytes = 16UL * 1024;
constexpr std::size_t kMaxHeadBytes = 16UL * 1024;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <typename Number>
Number parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error(fmt::format("not a number in a response: '{}'", text));
  }
  return number;
}

}  // namespace

PreparedRequest::PreparedRequest(std::string_view method, std::string_view path, std::string_view body)
    : bytes_(fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                         "Content-Length: {}\r\n\r\n{}",
                         method, path, body.size(), body)) {
  for (auto at = bytes_.find(kNumber); at != std::string::npos;
       at = bytes_.find(kNumber, at + kNumberDigits)) {
    places_.push_back(at);
  }
}

void PreparedRequest::set(std::size_t place, std::uint64_t number) {
  char* const begin = bytes_.data() + places_.at(place);
  const auto [end, error] = std::to_chars(begin, begin + kNumberDigits, number);
  if (error != std::errc{} || end != begin + kNumberDigits)
    throw std::logic_error("a number without 16 digits");
}

void PreparedRequest::set(std::size_t place, std::string_view text) {
  if (text.size() != kNumberDigits) throw std::logic_error("a text without 16 bytes");
  bytes_.replace(places_.at(place), kNumberDigits, text);
}

std::optional<ResponseHead> parse_head(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxHeadBytes) throw std::runtime_error("a response head without end");
    return std::nullopt;
  }
  if (!bytes.starts_with("HTTP/1.1 ")) throw std::runtime_error("a response that is not HTTP/1.1");
  ResponseHead head{.status = parse_number<int>(bytes.substr(9, 3)), .head_bytes = end + 4};
  bool has_length = head.status == 204;
  std::size_t line = bytes.find("\r\n") + 2;
  while (line < end) {
    const std::size_t line_end = bytes.find("\r\n", line);
    const std::string_view field = bytes.substr(line, line_end - line);
    const std::size_t colon = std::min(field.find(':'), field.size() - 1);
    const std::string_view value = trimmed(field.substr(colon + 1));
    if (equal_ignoring_case(field.substr(0, colon), "content-length")) {
      head.body_bytes = parse_number<std::size_t>(value);
      has_length = true;
    } else if (equal_ignoring_case(field.substr(0, colon), "connection")) {
      head.keep_alive = !equal_ignoring_case(value, "close");
    }
    line = line_end + 2;
  }
  if (!has_length) throw std::runtime_error("a response without Content-Length");
  return head;
}

asio::awaitable<void> HttpConnection::connect() {
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), port_);
  co_await socket_.async_connect(server, asio::use_awaitable);
  socket_.set_option(asio::ip::tcp::no_delay(true));
  socket_.non_blocking(true);
}

asio::awaitable<Response> HttpConnection::exchange(std::string_view request) {
  boost::system::error_code code;  // mostly it is sent at once; an error shows again
  const std::size_t sent = socket_.write_some(asio::buffer(request), code);
  if (sent < request.size()) {
    co_await asio::async_write(socket_, asio::buffer(request.substr(sent)), asio::use_awaitable);
  }
  std::size_t filled = 0;
  std::optional<ResponseHead> head;
  while (!head || filled < head->head_bytes + head->body_bytes) {
    const std::size_t wanted = head ? head->head_bytes + head->body_bytes : filled + kReadBytes;
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    const auto free_space = asio::buffer(buffer_.data() + filled, buffer_.size() - filled);
    filled += co_await socket_.async_read_some(free_space, asio::use_awaitable);
    if (!head) head = parse_head({buffer_.data(), filled});
  }
  if (filled != head->head_bytes + head->body_bytes) throw std::runtime_error("more bytes than one response");
  if (!head->keep_alive) close();
  co_return Response{head->status, std::string_view(buffer_).substr(head->head_bytes, head->body_bytes)};
}

void HttpConnection::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

namespace {

asio::awaitable<OwnedResponse> call_once(std::uint16_t port, std::string_view request) {
  HttpConnection connection(co_await asio::this_coro::executor, port);
  co_await connection.connect();
  const Response response = co_await connection.exchange(request);
  co_return OwnedResponse{response.status, std::string(response.body)};
}

}  // namespace

OwnedResponse call(std::uint16_t port, const PreparedRequest& request) {
  asio::io_context context(1);
  auto response = asio::co_spawn(context, call_once(port, request.bytes()), asio::use_future);
  context.run();
  return response.get();
}

nlohmann::json call_json(std::uint16_t port, std::string_view method, std::string_view path,
                         std::string_view body) {
  const OwnedResponse response = call(port, PreparedRequest(method, path, body));
  if (response.status != 200) {
    throw std::runtime_error(fmt::format("{} answers {}: {}", path, response.status, response.body));
  }
  return nlohmann::json::parse(response.body);
}

}  // namespace quorate::bench
