// Sockets of connections that are still on their way up: each is closed when its time has passed, and all of
// them when the process stops. Closing ends whatever waits on a socket. On the endpoint's thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <set>

namespace quorate {

class PendingSocket;

class PendingSockets {
 public:
  std::size_t size() const { return sockets_.size(); }
  inline void close_all();

 private:
  friend class PendingSocket;
  std::set<PendingSocket*> sockets_;
};

class PendingSocket {
 public:
  // `all` must outlive it.
  PendingSocket(PendingSockets& all, boost::asio::ip::tcp::socket socket, std::chrono::milliseconds time)
      : all_(all), socket_(std::move(socket)), timer_(std::make_shared<Timer>(socket_.get_executor(), time)) {
    all_.sockets_.insert(this);
    timer_->timer.async_wait([timer = timer_, this](boost::system::error_code code) {
      if (!code && timer->is_wanted) close();
    });
  }
  ~PendingSocket() {
    all_.sockets_.erase(this);
    timer_->is_wanted = false;
    timer_->timer.cancel();
  }
  PendingSocket(const PendingSocket&) = delete;

  boost::asio::ip::tcp::socket& operator*() { return socket_; }
  // The socket was closed, whether or not it was open then.
  bool is_over() const { return is_over_; }
  void close() {
    is_over_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  struct Timer {
    Timer(const boost::asio::any_io_executor& executor, std::chrono::milliseconds time)
        : timer(executor, time) {}
    boost::asio::steady_timer timer;
    bool is_wanted = true;  // by the socket, which may be gone when the timer's handler runs
  };

  PendingSockets& all_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<Timer> timer_;
  bool is_over_ = false;
};

inline void PendingSockets::close_all() {
  for (PendingSocket* socket : sockets_) socket->close();
}

}  // namespace quorate
