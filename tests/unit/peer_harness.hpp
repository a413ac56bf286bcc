// Endpoints on this host as the tests of the transport between processes use them.
#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/wire_codec.hpp"
#include "server/peer_endpoint.hpp"
#include "server/peer_frame.hpp"
#include "server/peer_handshake.hpp"

namespace quorate::peer_test {

using Milliseconds = std::chrono::milliseconds;
inline constexpr Milliseconds kPatience{10'000};

// What happened, and a way to wait for it.
class Events {
 public:
  template <typename Change>
  void change(Change apply) {
    const std::lock_guard lock(mutex_);
    apply();
    changed_.notify_all();
  }
  template <typename Condition>
  bool wait(Condition condition, Milliseconds time = kPatience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, condition);
  }
  template <typename Look>
  auto look(Look look_at) {
    const std::lock_guard lock(mutex_);
    return look_at();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class Inbox final : public MessageReceiver {
 public:
  void receive(Message message) override {
    events_.change([&] { messages_.push_back(std::move(message)); });
  }
  void on_unreachable(const NodeId& node) override {
    events_.change([&] { unreachable_.push_back(node); });
  }

  bool wait_for(std::size_t count, Milliseconds time = kPatience) {
    return events_.wait([&] { return messages_.size() >= count; }, time);
  }
  bool wait_unreachable(const NodeId& node, Milliseconds time = kPatience) {
    return events_.wait([&] { return std::ranges::find(unreachable_, node) != unreachable_.end(); }, time);
  }
  std::vector<Message> messages() {
    return events_.look([&] { return messages_; });
  }
  std::size_t size() {
    return events_.look([&] { return messages_.size(); });
  }
  void clear() {
    events_.change([&] {
      messages_.clear();
      unreachable_.clear();
    });
  }

 private:
  Events events_;
  std::vector<Message> messages_;
  std::vector<NodeId> unreachable_;
};

class Observer final : public PeerObserver {
 public:
  Result<void> admit(const PeerHello& hello) override {
    const std::function<Result<void>(const PeerHello&)> rule = events_.look([&] { return rule_; });
    return rule ? rule(hello) : Result<void>();
  }
  void on_connected(const PeerHello& hello) override {
    events_.change([&] {
      ++connected_[hello.node];
      ++connections_;
    });
  }
  void on_disconnected(const NodeId& node) override {
    events_.change([&] { --connected_[node]; });
  }

  void set_rule(std::function<Result<void>(const PeerHello&)> rule) {
    events_.change([&] { rule_ = std::move(rule); });
  }
  bool wait_connected(const NodeId& node) {
    return events_.wait([&] { return connected_[node] == 1; });
  }
  bool wait_disconnected(const NodeId& node) {
    return events_.wait([&] { return connected_[node] == 0; });
  }
  int connected(const NodeId& node) {
    return events_.look([&] { return connected_[node]; });
  }
  int connections() {  // ever
    return events_.look([&] { return connections_; });
  }

 private:
  Events events_;
  std::function<Result<void>(const PeerHello&)> rule_;
  std::map<NodeId, int> connected_;
  int connections_ = 0;
};

inline PeerHello hello_of(const NodeId& node) {
  return {.cluster_id = "c1",
          .node = node,
          .instance = std::hash<NodeId>()(node),
          .boot = std::hash<NodeId>()(node) + 1,
          .peer_address = "",
          .api_url = "http://" + node,
          .also = {}};
}

// One process with one node.
struct Process {
  explicit Process(const NodeId& node) : Process(PeerOptions{.self = hello_of(node)}) {}
  explicit Process(PeerOptions options) : node(options.self.node) {
    auto started = PeerEndpoint::start(std::move(options), observer);
    if (!started) throw std::runtime_error(started.error().message);
    endpoint = std::move(*started);
    endpoint->attach(node, inbox);
  }
  ~Process() {
    endpoint->stop();
    endpoint->detach(node);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(endpoint->port()); }
  void call(const Process& other) const { endpoint->set_address(other.node, other.address()); }
  void send(const NodeId& to, MessageBody body) const {
    endpoint->send({.from = node, .to = to, .body = std::move(body), .instance = 7});
  }
  // A message that counts, of about so many bytes.
  void send(const NodeId& to, Index number, std::size_t bytes = 1) const {
    const auto payload = std::make_shared<const std::string>(bytes, static_cast<char>('a' + number % 26));
    send(to, PrepareRequest{.base = number, .payload = payload});
  }

  const NodeId node;
  Observer observer;
  Inbox inbox;
  std::unique_ptr<PeerEndpoint> endpoint;
};

// Both ways, and nothing else is in the way.
inline bool can_talk(Process& one, Process& other) {
  one.inbox.clear();
  other.inbox.clear();
  one.send(other.node, 1);
  other.send(one.node, 2);
  return one.inbox.wait_for(1) && other.inbox.wait_for(1);
}

// A connection whose bytes the test makes itself.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) { socket_.connect({boost::asio::ip::address_v4::loopback(), port}); }
  void write(std::string_view bytes) {
    boost::system::error_code ignored;  // the other side may have closed
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }
  void write_frame(std::string_view payload) {
    const FrameHead head = frame_head(payload);
    write(std::string(head.data(), head.size()).append(payload));
  }
  // Everything until the other side closes.
  std::string read_all() {
    std::string bytes;
    boost::system::error_code code;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(bytes), code);
    return bytes;
  }
  // Introduces itself and reads the answer's head.
  std::string introduce(const PeerHello& hello) {
    write(peer_request(hello, "test"));
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      char next = 0;
      boost::system::error_code code;
      boost::asio::read(socket_, boost::asio::buffer(&next, 1), code);
      if (code) return answer;
      answer += next;
    }
    return answer;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
};

// Takes what is logged, from all threads.
class LogCapture {
 public:
  LogCapture() : sink_(std::make_shared<Sink>()), former_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_));
  }
  ~LogCapture() { spdlog::set_default_logger(former_); }
  LogCapture(const LogCapture&) = delete;

  // Waits for a warning that contains the text; returns how many there are then.
  std::size_t warnings(const std::string& text) {
    const auto count = [&] {
      return std::ranges::count_if(sink_->lines,
                                   [&](const std::string& line) { return line.contains(text); });
    };
    sink_->events.wait([&] { return count() > 0; });
    return sink_->events.look(count);
  }
  std::string all() {
    return sink_->events.look([&] {
      std::string text;
      for (const std::string& line : sink_->lines) text += line + '\n';
      return text;
    });
  }

 private:
  struct Sink final : spdlog::sinks::sink {
    void log(const spdlog::details::log_msg& message) override {
      if (message.level < spdlog::level::warn) return;
      events.change([&] { lines.emplace_back(message.payload.begin(), message.payload.end()); });
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
    Events events;
    std::vector<std::string> lines;
  };

  std::shared_ptr<Sink> sink_;
  std::shared_ptr<spdlog::logger> former_;
};

}  // namespace quorate::peer_test
