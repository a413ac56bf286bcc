// The least of HTTP/1.1 that a load generator needs: requests kept as bytes, responses with a Content-Length. It costs
// a small fraction of what the server spends on the same exchange. One thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/connection.hpp"

namespace quorate::bench {

// A place for a number in a PreparedRequest. Numbers that change from request to request have as many digits, so that the
// request's length never changes.
inline constexpr std::string_view kNumber = "################";
inline constexpr std::size_t kNumberDigits = kNumber.size();
inline constexpr std::uint64_t kSmallestNumber = 1'000'000'000'000'000;

// A request whose numbers are changed in place. Each kNumber in path and body is a place for one.
class PreparedRequest {
 public:
  PreparedRequest(std::string_view method, std::string_view path, std::string_view body);

  // Precondition: there are more than `place` places, and `number` has 16 digits.
  void set(std::size_t place, std::uint64_t number);
  // Precondition: likewise, and `text` has 16 bytes: a number in another writing, or a part of one.
  void set(std::size_t place, std::string_view text);
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<std::size_t> places_;
};

struct ResponseHead {
  int status = 0;
  std::size_t head_bytes = 0;  // up to and with the empty line
  std::size_t body_bytes = 0;
  bool keep_alive = true;
};

// Nothing while the head is incomplete. Throws std::runtime_error on what is not HTTP/1.1, or has no Content-Length.
std::optional<ResponseHead> parse_head(std::string_view bytes);

class HttpConnection : public Connection {
 public:
  HttpConnection(const boost::asio::any_io_executor& executor, std::uint16_t port)
      : socket_(executor), port_(port) {}

  boost::asio::awaitable<void> connect() override;
  boost::asio::awaitable<Response> exchange(std::string_view request) override;
  void close() override;
  bool is_open() const override { return socket_.is_open(); }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::uint16_t port_;
  std::string buffer_;
};

struct OwnedResponse {
  int status = 0;
  std::string body;
};

// One request on a connection of its own. Blocks. Throws when the server cannot be reached.
OwnedResponse call(std::uint16_t port, const PreparedRequest& request);

// Likewise, and returns the parsed answer. Throws also when its status is not 200, and when it is not JSON.
nlohmann::json call_json(std::uint16_t port, std::string_view method, std::string_view path,
                         std::string_view body = {});

}  // namespace quorate::bench
