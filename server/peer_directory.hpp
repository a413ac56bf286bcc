// All live connections of a process: who is admitted, which connection stays when there are two, what arrives
// on them, and what their end means. On the endpoint's thread, except for routes(), which any thread may
// read.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "server/local_receivers.hpp"
#include "server/log_limiter.hpp"
#include "server/peer_connection.hpp"
#include "server/peer_handshake.hpp"
#include "server/peer_observer.hpp"
#include "server/peer_routes.hpp"

namespace quorate {

class PeerDirectory final : public PeerConnectionOwner {
 public:
  // All must outlive it.
  PeerDirectory(const PeerOptions& options, PeerObserver& observer, const LocalReceivers& receivers,
                LogLimiter& limiter);

  const PeerHello& self() const { return self_; }
  void set_self(PeerHello self);  // but for `also`
  // Tells the peers which further nodes are attached here now.
  void tell_also();

  // Why a process that introduces itself so is refused; nothing: it may connect. A refusal with code
  // connected_already means that it is connected by another connection, which stays.
  std::optional<PeerRefusal> check(const PeerHello& hello, bool dialed_here);

  // Takes over a connection. check() has just passed. The accepted one counts only when the peer's first
  // frame shows that the peer takes it too; then it is checked again.
  void add_dialed(boost::asio::ip::tcp::socket socket, PeerHello hello, std::string_view input);
  void add_accepted(boost::asio::ip::tcp::socket socket, PeerHello hello);

  bool is_connected(const NodeId& node) const { return peers_.contains(node); }
  bool is_connected_to(const std::string& peer_address) const;
  // It has called and been accepted, and has not confirmed that yet.
  bool is_expected(const NodeId& node) const;
  std::size_t unconfirmed() const { return connections_.size() - peers_.size(); }
  const PeerRoutes& routes() const { return routes_; }

  void disconnect(const NodeId& node, const std::string& reason);
  // Ends all connections; from then on check() refuses.
  void stop();
  // The peer's host answered that nobody listens there: its nodes are gone.
  void on_refused(const NodeId& node) { receivers_.tell_unreachable(node); }

  // Called when the connection to a node has ended.
  void set_on_lost(std::function<void(const NodeId&)> on_lost) { on_lost_ = std::move(on_lost); }

  void on_confirmed(const std::shared_ptr<PeerConnection>& connection) override;
  void on_message(PeerConnection& connection, Message message) override;
  void on_also(PeerConnection& connection, std::vector<NodeId> nodes) override;
  void on_closed(const std::shared_ptr<PeerConnection>& connection, const std::string& reason) override;

 private:
  std::shared_ptr<PeerConnection> make(boost::asio::ip::tcp::socket socket, PeerHello hello,
                                       bool dialed_here);
  void add(const std::shared_ptr<PeerConnection>& connection);
  bool is_own(const NodeId& node) const;
  std::optional<PeerRefusal> check_identity(const PeerHello& hello) const;
  std::optional<PeerRefusal> check_other_connection(const PeerHello& hello, bool dialed_here) const;
  std::vector<NodeId> hosted_by(const PeerHello& hello) const;

  const PeerOptions& options_;
  PeerObserver& observer_;
  const LocalReceivers& receivers_;
  LogLimiter& limiter_;
  std::function<void(const NodeId&)> on_lost_;

  PeerHello self_;
  bool is_stopping_ = false;
  std::set<std::shared_ptr<PeerConnection>> connections_;    // all that are open
  std::map<NodeId, std::shared_ptr<PeerConnection>> peers_;  // those that count, by hello().node
  PeerRoutes routes_;
};

}  // namespace quorate
