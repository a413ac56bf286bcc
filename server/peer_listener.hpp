// Takes the calls of other processes. On the endpoint's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "server/peer_dialer.hpp"
#include "server/peer_directory.hpp"
#include "server/pending_socket.hpp"

namespace quorate {

class PeerListener {
 public:
  // Listens from now on; start() takes the calls. Everything given must outlive it. Throws
  // boost::system::system_error when the address cannot be used.
  PeerListener(boost::asio::io_context& io, PeerDirectory& directory, PeerDialer& dialer,
               PendingSockets& sockets, LogLimiter& limiter, const PeerOptions& options);

  void start();
  void stop();
  boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

 private:
  boost::asio::awaitable<void> accept_calls();
  boost::asio::awaitable<void> welcome(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<ParsedIntroduction> introduction(PendingSocket& pending, std::string caller);
  boost::asio::awaitable<void> refuse(PendingSocket& pending, std::string answer);

  boost::asio::io_context& io_;
  PeerDirectory& directory_;
  PeerDialer& dialer_;
  PendingSockets& sockets_;
  LogLimiter& limiter_;
  const PeerOptions& options_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint endpoint_;
  bool is_stopping_ = false;
};

}  // namespace quorate
