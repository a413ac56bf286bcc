// One HTTP connection: reads requests, has them answered one after the other, and ends.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/http_options.hpp"
#include "server/api.hpp"
#include "server/body_budget.hpp"
#include "server/request_parser.hpp"

namespace quorate {

using ConnectionStrand = boost::asio::strand<boost::asio::io_context::executor_type>;
using ConnectionSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, ConnectionStrand>;

// What all connections of a server share. Outlives them.
struct SessionContext {
  const Api& api;
  const HttpOptions& options;
  BodyBudget body_budget;
  std::atomic<bool> stopping = false;
};

// Runs on its socket's strand; members without a word about threads are for that strand only.
class Session : public std::enable_shared_from_this<Session>, private BodySource {
 public:
  Session(ConnectionSocket socket, SessionContext& context);

  // Serves until the connection ends; a refused one is told 503 at once instead. Never throws.
  boost::asio::awaitable<void> serve(bool is_refused);

  // Any thread. The context is stopping: ends now if no request has begun, else after the present one.
  void finish_soon();
  // Any thread. Ends now.
  void abort();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Phase { idle, header, body, working };
  enum class Sent { whole, cut, failed };             // cut: all that there was, but not the end of the body
  enum class Received { request, rejected, closed };  // rejected: rejection_ is the answer

  boost::asio::awaitable<void> serve_requests();
  boost::asio::awaitable<void> refuse();
  boost::asio::awaitable<Received> receive();
  boost::asio::awaitable<Received> receive_more();
  boost::asio::awaitable<bool> send(const HttpResponse& response, bool keep_alive);
  boost::asio::awaitable<Sent> send_stream(const HttpResponse& response, bool keep_alive);
  boost::asio::awaitable<bool> send_continue();
  boost::asio::awaitable<void> linger();

  // Of an upload, while its handler runs.
  boost::asio::awaitable<Result<std::string>> next() override;
  bool is_ready() override;

  std::optional<Received> parse_buffered();
  Received reject(RequestParser::Failure failure);
  void enter(Phase phase);
  bool is_quiet();

  void expire_at(TimePoint deadline);
  void wait_for_timer(TimePoint at);
  void on_timer();

  ConnectionSocket socket_;
  SessionContext& context_;
  boost::beast::flat_buffer input_;
  HttpRequest request_;
  BodyShare body_share_;
  std::optional<RequestParser> parser_;
  std::optional<HttpResponse> rejection_;
  std::string head_;              // of the response being sent
  std::uint64_t sent_bytes_ = 0;  // of it
  Phase phase_ = Phase::idle;
  bool continue_sent_ = false;

  // One timer guards every wait on the peer. It is moved only when a deadline comes nearer; when it fires
  // early it goes on to the deadline of then. So a busy connection touches it once a minute and not twice a
  // request.
  boost::asio::steady_timer timer_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint timer_at_ = TimePoint::max();
  bool timed_out_ = false;
};

}  // namespace quorate
