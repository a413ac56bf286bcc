#include "server/peer_listener.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace quorate {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr int kBacklog = 128;
constexpr std::size_t kReadBytes = 4UL * 1024;
// When accepting fails, mostly because no file descriptors are left.
constexpr std::chrono::milliseconds kAcceptPause{100};

tcp::endpoint resolve(asio::io_context& io, const PeerOptions& options) {
  tcp::resolver resolver(io);
  return *resolver.resolve(options.host, std::to_string(options.port)).begin();
}

// A caller that says nothing we can read has no name but this.
std::string host_of(const tcp::socket& socket) {
  boost::system::error_code code;
  const tcp::endpoint endpoint = socket.remote_endpoint(code);
  return code ? std::string("an unknown address") : endpoint.address().to_string();
}

}  // namespace

PeerListener::PeerListener(asio::io_context& io, PeerDirectory& directory, PeerDialer& dialer,
                           PendingSockets& sockets, LogLimiter& limiter, const PeerOptions& options)
    : io_(io),
      directory_(directory),
      dialer_(dialer),
      sockets_(sockets),
      limiter_(limiter),
      options_(options),
      acceptor_(io, resolve(io, options)),
      endpoint_(acceptor_.local_endpoint()) {
  acceptor_.listen(kBacklog);
}

void PeerListener::start() {
  asio::co_spawn(io_, accept_calls(), [](std::exception_ptr exception) {
    if (exception) std::rethrow_exception(exception);
  });
}

void PeerListener::stop() {
  is_stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

asio::awaitable<void> PeerListener::accept_calls() {
  asio::steady_timer pause(io_);
  while (!is_stopping_) {
    tcp::socket socket(io_);
    const auto [code] = co_await acceptor_.async_accept(socket, kNoThrow);
    if (!code) {
      // Above the limit a call is closed without a word.
      if (sockets_.size() + directory_.unconfirmed() >= options_.limits.handshakes) continue;
      asio::co_spawn(io_, welcome(std::move(socket)), [](std::exception_ptr exception) {
        if (exception) std::rethrow_exception(exception);
      });
      continue;
    }
    if (is_stopping_) co_return;
    spdlog::warn("cannot accept a connection of a peer: {}", code.message());
    pause.expires_after(kAcceptPause);
    co_await pause.async_wait(kNoThrow);
  }
}

asio::awaitable<void> PeerListener::welcome(tcp::socket socket) {
  const std::string caller = host_of(socket);
  PendingSocket pending(sockets_, std::move(socket), options_.times.handshake);
  const ParsedIntroduction caller_says = co_await introduction(pending, caller);
  if (pending.is_over()) co_return;
  std::optional<PeerRefusal> refusal;
  if (!caller_says) {
    refusal = caller_says.error();
  } else {
    const PeerHello& hello = caller_says->hello;
    refusal = directory_.check(hello, false);
    // Both have called at once, and ours is the call that counts: it decides first, so that this one need not
    // be ended after it has begun to carry messages.
    if (!refusal && directory_.self().node < hello.node) {
      co_await dialer_.settled(hello.node);
      if (pending.is_over()) co_return;
      refusal = directory_.check(hello, false);
    }
    if (!refusal) co_return directory_.add_accepted(std::move(*pending), hello);
  }
  if (refusal->code != kConnectedAlready && limiter_.allows("refuse|" + caller + "|" + refusal->code)) {
    const std::string name = caller_says ? "node " + caller_says->hello.node + " from " + caller : caller;
    spdlog::warn("{} is refused as a peer: {} ({} {})", name, printable(refusal->detail), refusal->status,
                 refusal->code);
  }
  co_await refuse(pending, peer_refusal(*refusal));
}

asio::awaitable<ParsedIntroduction> PeerListener::introduction(PendingSocket& pending, std::string caller) {
  std::string input;
  std::array<char, kReadBytes> part;
  while (true) {
    const auto [code, size] = co_await (*pending).async_read_some(asio::buffer(part), kNoThrow);
    if (code) {
      if (pending.is_over() && !is_stopping_ && limiter_.allows("silent|" + caller)) {
        spdlog::warn("a connection from {} is closed: it did not introduce itself in time", caller);
      }
      pending.close();
      co_return std::unexpected(PeerRefusal{});
    }
    input.append(part.data(), size);
    std::optional<ParsedIntroduction> parsed = parse_peer_request(input);
    if (!parsed) continue;
    if (*parsed && (*parsed)->bytes < input.size()) {
      co_return std::unexpected(PeerRefusal{.status = 400,
                                            .code = "malformed_request",
                                            .detail = "Nothing may be sent before the answer has come."});
    }
    co_return std::move(*parsed);
  }
}

asio::awaitable<void> PeerListener::refuse(PendingSocket& pending, std::string answer) {
  const auto [failure, written] = co_await asio::async_write(*pending, asio::buffer(answer), kNoThrow);
  if (failure) co_return;
  boost::system::error_code code;
  (*pending).shutdown(tcp::socket::shutdown_send, code);
  // What the caller still sends is read away, within the handshake's time: if it stayed, the kernel would
  // answer with a reset, which can destroy our answer before the caller has read it.
  std::array<char, kReadBytes> part;
  while (!code) {
    const auto [read_code, size] = co_await (*pending).async_read_some(asio::buffer(part), kNoThrow);
    code = read_code;
  }
}

}  // namespace quorate
