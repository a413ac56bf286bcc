// Calls other processes, again and again until they are connected. On the endpoint's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/peer_directory.hpp"
#include "server/pending_socket.hpp"

namespace quorate {

class PeerDialer {
 public:
  // All must outlive it.
  PeerDialer(boost::asio::io_context& io, PeerDirectory& directory, PendingSockets& sockets,
             LogLimiter& limiter, const PeerTimes& times);

  // Keeps the node connected, wherever it said last that it is.
  void set_address(const NodeId& node, const std::string& address);
  void forget(const NodeId& node);
  // Connects once to whoever is there.
  void dial(const std::string& address);
  void on_lost(const NodeId& node);
  void stop();

  // Waits until no handshake that we began with this node is under way; bounded by the time that one may
  // take.
  boost::asio::awaitable<void> settled(NodeId node);

 private:
  struct Target {
    Target(boost::asio::io_context& io, NodeId id, std::string where)
        : node(std::move(id)),
          address(std::move(where)),
          wake(io),
          settled(io, boost::asio::steady_timer::time_point::max()) {}
    std::string name() const { return node.empty() ? address : "node " + node + " at " + address; }

    const NodeId node;  // empty: whoever is there
    std::string address;
    bool is_wanted = true;
    bool is_found = false;       // for a node that was not known: it is connected
    bool is_changed = false;     // the address, while it was being called
    bool was_connected = false;  // since it was last found gone
    bool in_handshake = false;
    PendingSocket* call = nullptr;  // under way
    std::string last_failure;       // that was logged
    boost::asio::steady_timer wake;
    boost::asio::steady_timer settled;  // cancelled when a handshake is over
  };
  using TargetPtr = std::shared_ptr<Target>;

  void begin(const TargetPtr& target);
  void end(Target& target);
  bool is_connected(const Target& target) const;
  boost::asio::awaitable<void> run(TargetPtr target);
  boost::asio::awaitable<void> call(TargetPtr target);
  boost::asio::awaitable<boost::system::error_code> connect(TargetPtr target, PendingSocket& pending);
  boost::asio::awaitable<void> shake_hands(TargetPtr target, PendingSocket& pending);
  // Nothing: no answer has come.
  boost::asio::awaitable<std::optional<ParsedIntroduction>> ask(TargetPtr target, PendingSocket& pending,
                                                                std::string& input);
  boost::asio::awaitable<void> refuse(PendingSocket& pending, const PeerRefusal& refusal);
  void on_answer(Target& target, const PeerRefusal& refusal);
  void report_failure(Target& target, const std::string& why);

  boost::asio::io_context& io_;
  PeerDirectory& directory_;
  PendingSockets& sockets_;
  LogLimiter& limiter_;
  const PeerTimes& times_;
  std::map<NodeId, TargetPtr> targets_;        // to keep connected
  std::map<std::string, TargetPtr> unknowns_;  // to connect once, by address
};

}  // namespace quorate
