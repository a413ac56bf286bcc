#include "server/session.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "server/response_head.hpp"

namespace quorate {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 8UL * 1024;
constexpr std::size_t kBodyReadBytes = 128UL * 1024;
constexpr std::size_t kKeptBufferBytes = 64UL * 1024;
constexpr std::size_t kCopiedBodyBytes = 4UL * 1024;
// After an early answer the rest of the request is read away for so long, or else the kernel would answer it
// with a reset, which can destroy our answer before the client has read it.
constexpr std::chrono::seconds kLingerTime{2};

// Clients may send empty lines between requests (RFC 9112 §2.2). Returns false when more must be read to
// tell.
bool skip_empty_lines(boost::beast::flat_buffer& input) {
  while (input.size() != 0) {
    const auto* text = static_cast<const char*>(input.cdata().data());
    if (text[0] != '\r') return true;
    if (input.size() == 1) return false;
    if (text[1] != '\n') return true;
    input.consume(2);
  }
  return false;
}

}  // namespace

Session::Session(ConnectionSocket socket, SessionContext& context)
    : socket_(std::move(socket)),
      context_(context),
      body_share_(context.body_budget),
      timer_(socket_.get_executor()) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

asio::awaitable<void> Session::serve(bool is_refused) {
  const std::shared_ptr<Session> self = shared_from_this();
  ++context_.api.metrics().connections;
  try {
    if (is_refused) {
      co_await refuse();
    } else {
      co_await serve_requests();
    }
  } catch (const std::exception& exception) {
    spdlog::error("a connection ended by an unexpected error: {}", exception.what());
  }
  --context_.api.metrics().connections;
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

asio::awaitable<void> Session::refuse() {
  const std::string detail =
      "This server has " + std::to_string(context_.options.limits.connections) + " connections open already.";
  const HttpResponse response = context_.api.reject(request_, HttpProblem::too_many_connections, detail);
  const bool sent = co_await send(response, false);
  if (sent) co_await linger();
}

void Session::finish_soon() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    if (self->phase_ == Phase::idle) self->socket_.cancel(ignored);
  });
}

void Session::abort() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->socket_.close(ignored);
    self->timer_.cancel();
  });
}

asio::awaitable<void> Session::serve_requests() {
  bool keep_alive = true;
  while (keep_alive) {
    const Received received = co_await receive();
    if (received == Received::closed) co_return;
    const TimePoint began = std::chrono::steady_clock::now();
    HttpResponse response;
    if (received == Received::rejected) {
      response = std::move(*rejection_);
    } else {
      response = co_await context_.api.handle(request_);
      if (rejection_) response = std::move(*rejection_);  // an upload ended badly
    }
    request_
        .drop_body();  // done with; a client that reads its answer slowly must not hold the room of others
    body_share_.release();
    keep_alive = request_.keep_alive && !response.close && !context_.stopping && parser_->is_done();
    Sent sent = Sent::failed;
    if (response.stream && request_.method != HttpMethod::head) {
      sent = co_await send_stream(response, keep_alive);
    } else {
      const bool sent_all = co_await send(response, keep_alive);
      if (sent_all) sent = Sent::whole;
    }
    const auto duration =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    context_.api.note({.request = request_,
                       .response = response,
                       .duration = duration,
                       .bytes = sent_bytes_,
                       .is_whole = sent == Sent::whole});
    if (sent == Sent::failed) co_return;
    if (sent == Sent::cut) co_return co_await linger();
  }
  if (rejection_ || !parser_->is_done() || !is_quiet()) co_await linger();
}

// Reads until one request is complete, cannot be taken, or the connection is over.
asio::awaitable<Session::Received> Session::receive() {
  request_.clear();
  rejection_.reset();
  continue_sent_ = false;
  parser_.emplace(request_, body_share_, context_.options.limits);
  enter(Phase::idle);
  while (true) {
    const std::optional<Received> outcome = parse_buffered();
    const bool is_upload = parser_->is_header_done() && parser_->is_upload();
    if (is_upload) request_.upload = this;
    if (outcome || is_upload) {
      enter(Phase::working);
      co_return outcome.value_or(Received::request);
    }
    if (context_.stopping && phase_ == Phase::idle && is_quiet()) co_return Received::closed;
    if (phase_ == Phase::body && parser_->expects_continue() && !continue_sent_) {
      const bool sent = co_await send_continue();
      if (!sent) co_return Received::closed;
    }
    const Received more = co_await receive_more();
    if (more != Received::request) co_return more;
  }
}

// Gives what is in the buffer to the parser. Nothing: the request needs more.
std::optional<Session::Received> Session::parse_buffered() {
  if (!parser_->got_some() && !skip_empty_lines(input_)) return std::nullopt;
  if (phase_ == Phase::idle) enter(Phase::header);
  boost::system::error_code code;
  if (input_.size() != 0) {
    const std::size_t used = parser_->put(input_.cdata(), code);
    input_.consume(used);
  }
  if (code && code != http::error::need_more) return reject(parser_->failure(code));
  if (parser_->is_done()) return Received::request;
  if (parser_->is_header_done() && phase_ == Phase::header) enter(Phase::body);
  const std::size_t most_unparsed =
      context_.options.limits.header_bytes + context_.options.limits.target_bytes;
  if (input_.size() > most_unparsed) return reject(parser_->failure(http::error::header_limit));
  return std::nullopt;
}

asio::awaitable<Result<std::string>> Session::next() {
  const auto ended = [] { return fail(ErrorCode::malformed_request, "The body did not arrive as a whole."); };
  if (parser_->expects_continue() && !continue_sent_) {
    const bool sent = co_await send_continue();
    if (!sent) co_return ended();
  }
  while (request_.body.empty() && !parser_->is_done()) {
    enter(Phase::body);
    const Received more = co_await receive_more();
    if (more != Received::request || parse_buffered() == Received::rejected) co_return ended();
  }
  enter(Phase::working);
  body_share_.release();
  co_return std::exchange(request_.body, {});
}

// What is in the buffer has been given to the parser; it may be the beginning of a chunk's head.
bool Session::is_ready() {
  boost::system::error_code code;
  return !request_.body.empty() || parser_->is_done() || socket_.available(code) != 0;
}

// Received::request means: there is more in the buffer now.
asio::awaitable<Session::Received> Session::receive_more() {
  const std::size_t wanted = phase_ == Phase::body ? kBodyReadBytes : kReadBytes;
  const auto [code, size] = co_await socket_.async_read_some(input_.prepare(wanted), kNoThrow);
  input_.commit(size);
  if (!code) co_return Received::request;
  if (timed_out_ && phase_ != Phase::idle) {
    const std::string_view part = phase_ == Phase::header ? "header" : "body";
    const std::string detail = "The request's " + std::string(part) + " did not arrive in time.";
    co_return reject({.problem = HttpProblem::request_timeout, .error = {.message = detail}});
  }
  if (code == asio::error::eof && phase_ != Phase::idle) {
    co_return reject({.problem = {},
                      .error = {.code = ErrorCode::malformed_request,
                                .message = "The connection was closed before the request was complete."}});
  }
  // A request that arrived while we were told to stop is still answered.
  if (code == asio::error::operation_aborted && !timed_out_ && !is_quiet()) co_return Received::request;
  co_return Received::closed;
}

Session::Received Session::reject(RequestParser::Failure failure) {
  rejection_ = failure.problem ? context_.api.reject(request_, *failure.problem, failure.error.message)
                               : context_.api.reject(request_, failure.error);
  return Received::rejected;
}

asio::awaitable<bool> Session::send(const HttpResponse& response, bool keep_alive) {
  head_.clear();
  append_response_head(head_, response, request_.http_1_1, keep_alive);
  std::string_view body = request_.method == HttpMethod::head ? "" : std::string_view(response.body);
  if (body.size() <= kCopiedBodyBytes) {  // one piece costs the system less than two
    head_ += body;
    body = {};
  }
  const std::size_t total = head_.size() + body.size();
  const auto both_from = [&](std::size_t at) {
    const std::size_t in_head = std::min(at, head_.size());
    return std::array<asio::const_buffer, 2>{asio::buffer(head_) + in_head,
                                             asio::buffer(body) + (at - in_head)};
  };
  expire_at(std::chrono::steady_clock::now() + context_.options.timeouts.idle);

  // Nearly every answer fits into the socket's buffer, and then there is nothing to wait for.
  boost::system::error_code code;
  std::size_t sent =
      body.empty() ? socket_.write_some(asio::buffer(head_), code) : socket_.write_some(both_from(0), code);
  sent_bytes_ = total;
  while (sent < total) {
    if (code && code != asio::error::would_block) co_return false;
    const auto [wait_code, size] = co_await socket_.async_write_some(both_from(sent), kNoThrow);
    if (wait_code) co_return false;
    sent += size;
    code = {};
    expire_at(std::chrono::steady_clock::now() + context_.options.timeouts.idle);
  }
  co_return true;
}

// One piece at a time, so that what a slow client has not taken yet is waited for before more is read.
asio::awaitable<Session::Sent> Session::send_stream(const HttpResponse& response, bool keep_alive) {
  head_.clear();
  sent_bytes_ = 0;
  append_response_head(head_, response, request_.http_1_1, keep_alive);
  std::string piece;
  std::string end;
  auto then = BodyStream::Then::more;
  while (then == BodyStream::Then::more) {
    piece.clear();
    enter(Phase::working);
    then = co_await response.stream->next(piece);
    // An empty chunk would be the last.
    if (!piece.empty()) head_ += chunk_size_line(piece.size());
    end = piece.empty() ? "" : "\r\n";
    if (then == BodyStream::Then::end) end += last_chunk(response.stream->trailers());
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(head_), asio::buffer(piece),
                                                    asio::buffer(end)};
    expire_at(std::chrono::steady_clock::now() + context_.options.timeouts.stream_write);
    const auto [code, size] = co_await asio::async_write(socket_, buffers, kNoThrow);
    sent_bytes_ += size;
    if (code) co_return Sent::failed;
    head_.clear();
  }
  co_return then == BodyStream::Then::end ? Sent::whole : Sent::cut;
}

asio::awaitable<bool> Session::send_continue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  continue_sent_ = true;
  const auto [code, size] = co_await asio::async_write(socket_, asio::buffer(kContinue), kNoThrow);
  co_return !code;
}

asio::awaitable<void> Session::linger() {
  timed_out_ = false;
  boost::system::error_code code;
  socket_.shutdown(asio::socket_base::shutdown_send, code);
  expire_at(std::chrono::steady_clock::now() + kLingerTime);
  while (!code && !timed_out_) {
    input_.clear();
    const auto [read_code, size] = co_await socket_.async_read_some(input_.prepare(kReadBytes), kNoThrow);
    code = read_code;
  }
}

// Each phase of a request has its deadline, counted from the phase's beginning.
void Session::enter(Phase phase) {
  phase_ = phase;
  const HttpTimeouts& timeouts = context_.options.timeouts;
  const TimePoint now = std::chrono::steady_clock::now();
  switch (phase) {
    case Phase::idle:
      if (input_.size() == 0 && input_.capacity() > kKeptBufferBytes) input_.shrink_to_fit();
      return expire_at(now + timeouts.idle);
    case Phase::header: return expire_at(now + timeouts.header);
    case Phase::body: return expire_at(now + timeouts.body);
    case Phase::working: deadline_ = TimePoint::max(); return;  // the request's own deadline bounds it
  }
}

// True when the client has sent nothing that is not read yet.
bool Session::is_quiet() {
  boost::system::error_code code;
  return input_.size() == 0 && (socket_.available(code) == 0 || code);
}

void Session::expire_at(TimePoint deadline) {
  deadline_ = deadline;
  if (deadline < timer_at_) wait_for_timer(deadline);
}

void Session::wait_for_timer(TimePoint at) {
  timer_at_ = at;
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code code) {
    if (!code && self->socket_.is_open()) self->on_timer();
  });
}

void Session::on_timer() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < deadline_) {
    wait_for_timer(std::min(deadline_, now + context_.options.timeouts.idle));
    return;
  }
  timed_out_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

}  // namespace quorate
