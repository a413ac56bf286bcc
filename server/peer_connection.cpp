#include "server/peer_connection.hpp"

#include <spdlog/spdlog.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <span>
#include <utility>

#include "core/thread_executor.hpp"
#include "core/wire_codec.hpp"
#include "server/peer_handshake.hpp"

namespace quorate {

namespace asio = boost::asio;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

std::string time_text(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

std::string remote_address(const asio::ip::tcp::socket& socket) {
  boost::system::error_code code;
  const auto endpoint = socket.remote_endpoint(code);
  if (code) return "unknown address";
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace

PeerConnection::PeerConnection(asio::ip::tcp::socket socket, PeerHello hello, bool dialed_here,
                               const PeerOptions& options, LogLimiter& limiter, PeerConnectionOwner& owner)
    : socket_(std::move(socket)),
      descriptor_(socket_.native_handle()),
      executor_(socket_.get_executor()),
      hello_(std::move(hello)),
      node_(hello_.node),
      dialed_here_(dialed_here),
      options_(options),
      limiter_(limiter),
      owner_(owner),
      address_(remote_address(socket_)),
      reader_(options.limits.frame_bytes),
      is_confirmed_(dialed_here),
      wake_(executor_),
      watch_(executor_),
      queue_(options.limits) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void PeerConnection::start(std::string output, std::string_view input) {
  reader_.append(input);
  spawn(write_frames(shared_from_this(), std::move(output)));
  spawn(read_frames(shared_from_this()));
  spawn(watch(shared_from_this()));
}

void PeerConnection::spawn(asio::awaitable<void> coroutine) {
  asio::co_spawn(executor_, std::move(coroutine), [self = shared_from_this()](std::exception_ptr exception) {
    if (!exception) return;
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      self->close(std::string("an unexpected error: ") + error.what());
    }
  });
}

// --- sending ---

void PeerConnection::send(const Message& message) {
  using Lane = PeerSendQueue::Lane;
  const Lane lane = std::holds_alternative<SnapshotPiece>(message.body) ? Lane::bulk : Lane::normal;
  bool is_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    is_full = queue_.is_full(lane);
  }
  if (is_full) return report_drop("it takes messages more slowly than they come");
  std::string payload = encode(message);
  if (payload.size() > options_.limits.frame_bytes) {
    return report_drop("one of " + std::to_string(payload.size()) + " bytes is longer than the limit of " +
                       std::to_string(options_.limits.frame_bytes));
  }
  enqueue(lane, std::move(payload));
}

void PeerConnection::send(const PeerControl& control) {
  enqueue({}, encode(control));
}

void PeerConnection::enqueue(std::optional<PeerSendQueue::Lane> lane, std::string payload) {
  const FrameHead head = frame_head(payload);
  bool is_queued = true;
  bool was_sleeping = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    // While the writer sleeps, nothing goes before this frame.
    const bool goes_now = is_sleeping_ && lane == PeerSendQueue::Lane::normal;
    const std::size_t sent = goes_now ? send_now(head, payload) : 0;
    if (sent == head.size() + payload.size()) return;
    if (sent != 0) {
      queue_.put_rest(head, payload, sent);
    } else if (lane) {
      is_queued = queue_.put(*lane, head, std::move(payload));
    } else {
      queue_.put_always(head, std::move(payload));
    }
    was_sleeping = std::exchange(is_sleeping_, false);
  }
  if (!is_queued) report_drop("it takes messages more slowly than they come");
  if (was_sleeping) asio::post(executor_, [self = shared_from_this()] { self->wake_.cancel(); });
}

// What the socket takes at once, and without an error: those the writer finds. It spares the thread of the endpoint for
// nearly every message, which is two switches of threads less before a follower has written an entry and is heard.
std::size_t PeerConnection::send_now(const FrameHead& head, const std::string& payload) const {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                             iovec{const_cast<char*>(payload.data()), payload.size()}};
  const msghdr message{.msg_iov = parts.data(), .msg_iovlen = parts.size()};
  const ssize_t sent = ::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void PeerConnection::report_drop(const std::string& why) {
  if (!limiter_.allows("drop|" + node_ + "|" + why)) return;
  spdlog::warn("messages to {} are dropped: {}", node_, why);
}

// What is to be sent next; a ping, if it is due and there is nothing else. Decided at once with whether the writer sleeps:
// a sender may have sent the beginning of a frame since the ping was due.
PeerConnection::Batch PeerConnection::take_batch(bool is_ping_due) {
  const std::lock_guard lock(mutex_);
  Batch batch = queue_.take();
  if (batch.empty() && is_ping_due) {
    const FrameHead ping = frame_head({});
    batch.push_back({.head = std::string(ping.data(), ping.size())});
  }
  is_sleeping_ = batch.empty();
  return batch;
}

asio::awaitable<void> PeerConnection::write_frames(std::shared_ptr<PeerConnection> self, std::string output) {
  Batch batch;
  if (!output.empty()) batch.push_back({.head = std::move(output)});
  while (self->is_open_) {
    const Clock::time_point ping_at = self->last_sent_ + self->options_.times.ping;
    if (batch.empty()) batch = self->take_batch(ping_at <= Clock::now());
    if (batch.empty()) {
      self->wake_.expires_at(ping_at);
      co_await self->wake_.async_wait(kNoThrow);
      continue;
    }
    const bool written = co_await self->write(std::exchange(batch, {}));
    if (!written) co_return;
  }
}

asio::awaitable<bool> PeerConnection::write(Batch batch) {
  std::vector<asio::const_buffer> buffers;
  for (const PeerSendQueue::Chunk& chunk : batch) {
    buffers.push_back(asio::buffer(chunk.head));
    if (!chunk.body.empty()) buffers.push_back(asio::buffer(chunk.body));
  }
  std::span<asio::const_buffer> rest = buffers;
  last_sent_ = Clock::now();
  is_writing_ = true;
  while (!rest.empty()) {
    auto [code, size] = co_await socket_.async_write_some(rest, kNoThrow);
    if (code) {
      close("sending failed: " + code.message());
      co_return false;
    }
    last_sent_ = Clock::now();
    while (!rest.empty() && size >= rest.front().size()) {
      size -= rest.front().size();
      rest = rest.subspan(1);
    }
    if (!rest.empty()) rest.front() += size;
  }
  is_writing_ = false;
  co_return true;
}

// --- receiving ---

asio::awaitable<void> PeerConnection::read_frames(std::shared_ptr<PeerConnection> self) {
  while (true) {
    self->handle_input();
    if (!self->is_open_) co_return;
    const std::span<char> room = self->reader_.prepare();
    const auto [code, size] =
        co_await self->socket_.async_read_some(asio::buffer(room.data(), room.size()), kNoThrow);
    if (code == asio::error::eof) co_return self->close("it closed the connection");
    if (code) co_return self->close(code.message());
    self->last_received_ = Clock::now();
    self->reader_.commit(size);
  }
}

void PeerConnection::handle_input() {
  const ThreadLoan loan;  // this thread had to be woken already
  while (is_open_) {
    const auto payload = reader_.next();
    if (!payload) return close(payload.error().message);
    if (!*payload) return;
    handle_frame(**payload);
  }
}

void PeerConnection::handle_frame(std::string_view payload) {
  if (is_control(payload)) return handle_control(payload);
  if (payload.empty()) return confirm();
  Result<Message> message = decode_message(payload);
  if (!message) return close("a message from it cannot be read: " + message.error().message);
  confirm();
  if (is_open_) owner_.on_message(*this, std::move(*message));
}

void PeerConnection::handle_control(std::string_view payload) {
  Result<PeerControl> control = decode_control(payload);
  if (!control) return close("it sent what cannot be read: " + control.error().message);
  if (const auto* goodbye = std::get_if<Goodbye>(&*control)) {
    is_redundant_ = goodbye->code == kConnectedAlready;
    return close("it refuses this node: " + printable(goodbye->detail) + " (" + printable(goodbye->code) +
                 ")");
  }
  confirm();
  if (is_open_) owner_.on_also(*this, std::move(std::get<AlsoUpdate>(*control).nodes));
}

void PeerConnection::confirm() {
  if (std::exchange(is_confirmed_, true)) return;
  owner_.on_confirmed(shared_from_this());
}

// --- the end ---

asio::awaitable<void> PeerConnection::watch(std::shared_ptr<PeerConnection> self) {
  const PeerTimes& times = self->options_.times;
  while (self->is_open_) {
    const Clock::time_point now = Clock::now();
    const Clock::time_point silent_at = self->last_received_ + times.silence;
    const Clock::time_point stalled_at =
        self->is_writing_ ? self->last_sent_ + times.stall : now + times.stall;
    const Clock::time_point unconfirmed_at =
        self->is_confirmed_ ? Clock::time_point::max() : self->started_ + times.handshake;
    if (now >= silent_at) co_return self->close("nothing came from it for " + time_text(times.silence));
    if (now >= stalled_at) co_return self->close("it took nothing for " + time_text(times.stall));
    if (now >= unconfirmed_at) {
      co_return self->close("it said nothing for " + time_text(times.handshake) + " after it was accepted");
    }
    self->watch_.expires_at(std::min({silent_at, stalled_at, unconfirmed_at}));
    co_await self->watch_.async_wait(kNoThrow);
  }
}

void PeerConnection::give_up() {
  is_redundant_ = true;
  close("another connection takes its place");
}

void PeerConnection::close(const std::string& reason) {
  if (!std::exchange(is_open_, false)) return;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    queue_.clear();
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
  wake_.cancel();
  watch_.cancel();
  owner_.on_closed(shared_from_this(), reason);
}

}  // namespace quorate
