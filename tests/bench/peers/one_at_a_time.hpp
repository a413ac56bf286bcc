// For a server that refuses a request while it does another: the connections of a load take turns, in the order in which
// they ask, and the time that one waits counts as its latency.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string_view>

#include "tests/bench/connection.hpp"

namespace quorate::bench {

// One thread.
class Turns {
 public:
  boost::asio::awaitable<void> take();
  void give();  // to the one who has waited longest

 private:
  bool taken_ = false;
  std::deque<boost::asio::steady_timer*> waiting_;
};

class TakingTurns : public Connection {
 public:
  TakingTurns(std::unique_ptr<Connection> connection, std::shared_ptr<Turns> turns);

  boost::asio::awaitable<void> connect() override;
  boost::asio::awaitable<Response> exchange(std::string_view request) override;
  void close() override { connection_->close(); }
  bool is_open() const override { return connection_->is_open(); }

 private:
  std::unique_ptr<Connection> connection_;
  std::shared_ptr<Turns> turns_;
};

}  // namespace quorate::bench
