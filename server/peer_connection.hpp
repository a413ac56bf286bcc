// One connection between two processes, once they have introduced themselves: frames in both directions,
// until it ends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/transport.hpp"
#include "server/log_limiter.hpp"
#include "server/peer_frame.hpp"
#include "server/peer_options.hpp"
#include "server/peer_send_queue.hpp"

namespace quorate {

class PeerConnection;

// Told what happens on a connection, on the endpoint's thread. May call close().
class PeerConnectionOwner {
 public:
  virtual ~PeerConnectionOwner() = default;
  // The peer's first frame has arrived: it takes this connection. Only for those that we accepted.
  virtual void on_confirmed(const std::shared_ptr<PeerConnection>& connection) = 0;
  virtual void on_message(PeerConnection& connection, Message message) = 0;
  virtual void on_also(PeerConnection& connection, std::vector<NodeId> nodes) = 0;
  // The last call.
  virtual void on_closed(const std::shared_ptr<PeerConnection>& connection, const std::string& reason) = 0;
};

// Members without a word about threads are for the endpoint's thread.
class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  // `address` is the remote one, for the log. Options, limiter and owner must outlive it.
  PeerConnection(boost::asio::ip::tcp::socket socket, PeerHello hello, bool dialed_here,
                 const PeerOptions& options, LogLimiter& limiter, PeerConnectionOwner& owner);

  // `output` goes out before everything else; `input` came in behind the introduction.
  void start(std::string output, std::string_view input);

  // Any thread; never blocks. Drops the message when too much waits already, when it is too long, or after
  // the end.
  void send(const Message& message);
  void send(const PeerControl& control);  // is never dropped before the end

  // Ends now; what waits is dropped. Idempotent. The reason is half a sentence.
  void close(const std::string& reason);
  // Ends now in favour of another connection between the two.
  void give_up();

  const PeerHello& hello() const { return hello_; }
  void set_also(std::vector<NodeId> nodes) { hello_.also = std::move(nodes); }
  bool dialed_here() const { return dialed_here_; }
  bool is_confirmed() const { return is_confirmed_; }
  // Given up, by us or by the peer: its end is no news.
  bool is_redundant() const { return is_redundant_; }
  const std::string& address() const { return address_; }
  // "n2 (127.0.0.1:7001)"
  std::string name() const { return hello_.node + " (" + address_ + ")"; }

 private:
  using Clock = std::chrono::steady_clock;
  using Batch = std::vector<PeerSendQueue::Chunk>;

  static boost::asio::awaitable<void> read_frames(std::shared_ptr<PeerConnection> self);
  static boost::asio::awaitable<void> write_frames(std::shared_ptr<PeerConnection> self, std::string output);
  static boost::asio::awaitable<void> watch(std::shared_ptr<PeerConnection> self);
  boost::asio::awaitable<bool> write(Batch batch);
  void spawn(boost::asio::awaitable<void> coroutine);

  void handle_input();
  void handle_frame(std::string_view payload);
  void handle_control(std::string_view payload);
  void confirm();

  // The lane of a message; a control has none.
  void enqueue(std::optional<PeerSendQueue::Lane> lane, std::string payload);
  std::size_t send_now(const FrameHead& head, const std::string& payload) const;
  Batch take_batch(bool is_ping_due);
  void report_drop(const std::string& why);

  boost::asio::ip::tcp::socket socket_;
  const int descriptor_;  // socket_'s, for any thread: open while is_closed_ is false
  const boost::asio::any_io_executor executor_;
  PeerHello hello_;
  const NodeId node_;  // hello_.node, for any thread
  const bool dialed_here_;
  const PeerOptions& options_;
  LogLimiter& limiter_;
  PeerConnectionOwner& owner_;
  std::string address_;

  FrameReader reader_;
  bool is_open_ = true;
  bool is_confirmed_;
  bool is_redundant_ = false;
  bool is_writing_ = false;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point last_received_ = started_;
  // By the writer, and while it is at it: when the peer last took something.
  Clock::time_point last_sent_ = started_;
  boost::asio::steady_timer wake_;  // what the writer waits on while nothing is to be sent
  boost::asio::steady_timer watch_;

  std::mutex mutex_;
  PeerSendQueue queue_;       // guarded by mutex_
  bool is_closed_ = false;    // guarded by mutex_
  bool is_sleeping_ = false;  // guarded by mutex_: the writer waits for wake_
};

}  // namespace quorate
