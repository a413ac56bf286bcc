#include "server/peer_directory.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace quorate {

bool PeerHello::hosts(const NodeId& id) const {
  return id == node || std::ranges::find(also, id) != also.end();
}

PeerDirectory::PeerDirectory(const PeerOptions& options, PeerObserver& observer,
                             const LocalReceivers& receivers, LogLimiter& limiter)
    : options_(options), observer_(observer), receivers_(receivers), limiter_(limiter), self_(options.self) {}

void PeerDirectory::set_self(PeerHello self) {
  self.also = std::move(self_.also);
  self_ = std::move(self);
}

void PeerDirectory::tell_also() {
  std::vector<NodeId> also = receivers_.all_but(self_.node);
  if (also == self_.also) return;
  self_.also = std::move(also);
  for (const auto& [node, connection] : peers_) connection->send(AlsoUpdate{.nodes = self_.also});
}

// --- who may connect ---

bool PeerDirectory::is_own(const NodeId& node) const {
  return self_.hosts(node) || receivers_.has(node);
}

std::optional<PeerRefusal> PeerDirectory::check(const PeerHello& hello, bool dialed_here) {
  if (is_stopping_) {
    return PeerRefusal{.status = 403, .code = "shutting_down", .detail = "This process is stopping."};
  }
  if (auto refusal = check_identity(hello)) return refusal;
  if (const Result<void> admitted = observer_.admit(hello); !admitted) {
    const Error& error = admitted.error();
    return PeerRefusal{.status = error.code == ErrorCode::identity_mismatch ? 409U : 403U,
                       .code = std::string(to_string(error.code)),
                       .detail = error.message};
  }
  return check_other_connection(hello, dialed_here);
}

std::optional<PeerRefusal> PeerDirectory::check_identity(const PeerHello& hello) const {
  if (!hello.cluster_id.empty() && !self_.cluster_id.empty() && hello.cluster_id != self_.cluster_id) {
    return PeerRefusal{.status = 409,
                       .code = "identity_mismatch",
                       .detail = "Node " + self_.node + " belongs to cluster " + self_.cluster_id +
                                 " and node " + hello.node + " to cluster " + hello.cluster_id + "."};
  }
  if (hello.boot == self_.boot && hello.node == self_.node && hello.instance == self_.instance) {
    return PeerRefusal{.status = 409,
                       .code = "duplicate_node_id",
                       .detail = "Node " + self_.node + " has connected to itself: the address is its own."};
  }
  const NodeId* hosted = nullptr;
  if (is_own(hello.node)) hosted = &hello.node;
  if (hello.hosts(self_.node)) hosted = &self_.node;
  if (hosted == nullptr) return std::nullopt;
  return PeerRefusal{.status = 409,
                     .code = "duplicate_node_id",
                     .detail = "Both processes say that they are node " + *hosted + " (at " +
                               self_.peer_address + " and " + hello.peer_address +
                               "). Each node needs an id of its own."};
}

// Two processes may dial each other at once. Both must give up the same one of the two connections: the one
// that the larger node id has dialed goes. Of two that the same process has dialed, it knows itself which one
// it has lost.
std::optional<PeerRefusal> PeerDirectory::check_other_connection(const PeerHello& hello,
                                                                 bool dialed_here) const {
  const std::shared_ptr<PeerConnection> route = routes_.find(hello.node);
  if (route == nullptr) return std::nullopt;
  const PeerHello& other = route->hello();
  if (other.node != hello.node || other.instance != hello.instance) {
    return PeerRefusal{.status = 409,
                       .code = "duplicate_node_id",
                       .detail = "Node " + hello.node + " is connected already, as another one, from " +
                                 other.peer_address + ". Each node needs an id of its own."};
  }
  if (other.boot != hello.boot) {
    // Its process has been started anew; or, at another address, its files have been copied, and both copies run.
    const bool is_copy = !other.peer_address.empty() && other.peer_address != hello.peer_address;
    if (!is_copy) return std::nullopt;
    return PeerRefusal{.status = 409,
                       .code = "duplicate_node_id",
                       .detail = "Node " + hello.node + " is connected already, from " + other.peer_address +
                                 ", with the same files as at " + hello.peer_address +
                                 ". Only one process may run with them."};
  }
  const bool same_dialer = route->dialed_here() == dialed_here;
  const NodeId& dialer = dialed_here ? self_.node : hello.node;
  const NodeId& called = dialed_here ? hello.node : self_.node;
  const bool is_preferred = same_dialer ? !dialed_here : dialer < called;
  if (is_preferred) return std::nullopt;
  return PeerRefusal{.status = 409,
                     .code = std::string(kConnectedAlready),
                     .detail = "Nodes " + self_.node + " and " + hello.node + " are connected already."};
}

// --- coming ---

std::shared_ptr<PeerConnection> PeerDirectory::make(boost::asio::ip::tcp::socket socket, PeerHello hello,
                                                    bool dialed_here) {
  auto connection = std::make_shared<PeerConnection>(std::move(socket), std::move(hello), dialed_here,
                                                     options_, limiter_, *this);
  connections_.insert(connection);
  return connection;
}

void PeerDirectory::add_dialed(boost::asio::ip::tcp::socket socket, PeerHello hello, std::string_view input) {
  const std::shared_ptr<PeerConnection> connection = make(std::move(socket), std::move(hello), true);
  add(connection);
  connection->start({}, input);
}

void PeerDirectory::add_accepted(boost::asio::ip::tcp::socket socket, PeerHello hello) {
  make(std::move(socket), std::move(hello), false)->start(peer_acceptance(self_), {});
}

void PeerDirectory::on_confirmed(const std::shared_ptr<PeerConnection>& connection) {
  const auto refusal = check(connection->hello(), false);
  if (refusal && refusal->code == kConnectedAlready) return connection->give_up();
  if (refusal) return connection->close(refusal->detail);
  add(connection);
}

void PeerDirectory::add(const std::shared_ptr<PeerConnection>& connection) {
  const PeerHello hello = connection->hello();
  const auto former = peers_.find(hello.node);
  if (former != peers_.end()) std::shared_ptr(former->second)->give_up();
  peers_[hello.node] = connection;
  routes_.set(connection, hosted_by(hello));
  connection->send(AlsoUpdate{.nodes = self_.also});  // and so the one that we dialed is confirmed
  spdlog::info("connected with node {}, {}", connection->name(),
               connection->dialed_here() ? "dialed" : "accepted");
  observer_.on_connected(hello);
}

std::vector<NodeId> PeerDirectory::hosted_by(const PeerHello& hello) const {
  std::vector<NodeId> nodes{hello.node};
  std::ranges::copy_if(hello.also, std::back_inserter(nodes),
                       [this](const NodeId& node) { return !is_own(node); });
  return nodes;
}

// --- what arrives ---

void PeerDirectory::on_message(PeerConnection& connection, Message message) {
  const PeerHello& hello = connection.hello();
  const bool is_from_there = hello.hosts(message.from);
  if (is_from_there && receivers_.deliver(message)) return;
  const std::string from = message.from;
  const std::string to = message.to;
  if (!limiter_.allows("stray|" + hello.node + "|" + from + "|" + to)) return;
  spdlog::warn("a message from node {} to node {} that came from {} is dropped: {}", from, to,
               connection.name(),
               is_from_there ? "there is no such node here" : "that process does not host the sender");
}

void PeerDirectory::on_also(PeerConnection& connection, std::vector<NodeId> nodes) {
  if (connection.hello().also == nodes) return;
  connection.set_also(std::move(nodes));
  const auto self = connection.shared_from_this();
  for (const NodeId& node : routes_.set(self, hosted_by(connection.hello())))
    receivers_.tell_unreachable(node);
}

// --- going ---

void PeerDirectory::on_closed(const std::shared_ptr<PeerConnection>& connection, const std::string& reason) {
  connections_.erase(connection);
  const NodeId node = connection->hello().node;
  const bool is_quiet = is_stopping_ || connection->is_redundant();
  if (!is_quiet && limiter_.allows("closed|" + node + "|" + reason)) {
    spdlog::warn("the connection with node {} has ended: {}", connection->name(), reason);
  }
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || peer->second != connection) return;
  peers_.erase(peer);
  for (const NodeId& lost : routes_.set(connection, {})) receivers_.tell_unreachable(lost);
  observer_.on_disconnected(node);
  on_lost_(node);
}

bool PeerDirectory::is_connected_to(const std::string& peer_address) const {
  return std::ranges::any_of(
      peers_, [&](const auto& peer) { return peer.second->hello().peer_address == peer_address; });
}

bool PeerDirectory::is_expected(const NodeId& node) const {
  return std::ranges::any_of(connections_, [&](const auto& connection) {
    return connection->hello().node == node && !connection->is_confirmed();
  });
}

void PeerDirectory::disconnect(const NodeId& node, const std::string& reason) {
  const auto peer = peers_.find(node);
  if (peer != peers_.end()) std::shared_ptr(peer->second)->close(reason);
}

void PeerDirectory::stop() {
  is_stopping_ = true;
  const auto open = connections_;
  for (const std::shared_ptr<PeerConnection>& connection : open)
    connection->close("this process is stopping");
}

}  // namespace quorate
