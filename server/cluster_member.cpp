#include "server/cluster_member.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "core/folder_lock.hpp"
#include "core/random_number.hpp"
#include "server/cluster_files.hpp"
#include "server/local_nodes.hpp"
#include "server/peer_endpoint.hpp"

namespace quorate {
namespace {

constexpr std::int64_t kTickUs = 100'000;
constexpr int kTicksPerRequest = 10;  // how often a node asks to join, or is told that it has begun
constexpr std::int64_t kJoinTimeoutUs = 5'000'000;
constexpr int kTicksAfterFailure = 50;  // for another process to take over a witness that cannot run here

PeerOptions peer_options(const ClusterConfig& config, const NodeFiles& files) {
  PeerOptions options{.host = config.member.listen_host,
                      .port = config.member.listen_port,
                      .self = {.cluster_id = files.cluster_id(),
                               .node = config.member.id,
                               .instance = files.stored.instance,
                               .boot = random_number(),
                               .peer_address = config.member.advertise,
                               .api_url = config.member.api_url,
                               .witness = config.nodes.front().witness}};
  for (const auto& [id, address] : config.member.initial) options.addresses[id] = address;
  return options;
}

}  // namespace

struct ClusterMember::Impl final : PeerObserver, MessageReceiver {
  // --- PeerObserver, on the endpoint's thread ---
  // Once this node belongs to a cluster, the endpoint keeps those of others out.
  Result<void> admit(const PeerHello& hello) override {
    if (wanted_cluster_id.empty() || hello.cluster_id.empty() || hello.cluster_id == wanted_cluster_id)
      return {};
    return fail(ErrorCode::identity_mismatch, "node " + hello.node + " belongs to cluster " +
                                                  hello.cluster_id + ", not to " + wanted_cluster_id + ".");
  }
  void on_connected(const PeerHello& hello) override {
    spdlog::info("connected to node {} at {}", hello.node, hello.peer_address);
    const std::lock_guard lock(mutex);
    peers[hello.node] = hello;
  }
  void on_disconnected(const NodeId& node) override {
    spdlog::warn("the connection to node {} is closed", node);
    const std::lock_guard lock(mutex);
    peers.erase(node);
  }

  // --- MessageReceiver, while this node belongs to no cluster; any thread ---
  void receive(Message message) override {
    const std::lock_guard lock(mutex);
    if (auto* given = std::get_if<Begin>(&message.body)) begin = std::move(*given);
    if (const auto* reply = std::get_if<CallReply>(&message.body); reply != nullptr && !reply->answer)
      spdlog::warn("node {} cannot join yet: {}", id, reply->answer.error().message);
  }
  void on_unreachable(const NodeId&) override {}

  std::map<NodeId, PeerHello> present_peers() {
    const std::lock_guard lock(mutex);
    return peers;
  }

  // --- the local nodes' executor ---
  void tick_later() {
    nodes->executor().post_at(nodes->executor().now_us() + kTickUs, [this] { tick(); });
  }
  void tick();
  void try_to_begin();
  bool may_found(const std::map<NodeId, PeerHello>& present) const;
  Result<void> found(const std::map<NodeId, PeerHello>& present);
  Result<void> belong(const Begin& cluster, Position base);
  NodeId whom_to_ask(const std::map<NodeId, PeerHello>& present) const;
  void ask_to_join(const NodeId& asked);
  void tend_peers();
  void tend_shared_witness();
  // What is known of a node that is to be added, as a member; nothing: it is not connected.
  std::optional<Member> introduced(const NodeId& node);
  void add_once_connected(NodeId node, std::string peer, Deadline deadline,
                          MultiDbCoordinator::Callback<std::uint64_t> done);

  NodeId id;
  std::string wanted_cluster_id;  // as configured, or as the files say; set before the endpoint starts
  NodeFiles files;                // held open while this node belongs to no cluster
  bool belongs = false;           // on the executor
  int ticks = 0;                  // on the executor
  std::string last_failure;       // to begin, that was logged; on the executor
  PeerHello self;                 // on the executor
  std::unique_ptr<FolderLock> witness_lock;  // on the executor; held while the shared witness runs here
  std::string witness_trouble;               // on the executor; as it was logged
  int witness_rests_until = 0;               // on the executor; a tick
  Membership tended;                         // by tend_peers() the last time; on the executor
  std::set<std::string> known_addresses;

  std::mutex mutex;                   // guards the two below
  std::map<NodeId, PeerHello> peers;  // connected
  std::optional<Begin> begin;         // received

  // In this order: the nodes end before the transport.
  std::unique_ptr<PeerEndpoint> endpoint;
  std::unique_ptr<LocalNodes> nodes;
};

void ClusterMember::Impl::tick() {
  ++ticks;
  if (!belongs) try_to_begin();
  if (belongs) tend_peers();
  if (belongs) tend_shared_witness();
  tick_later();
}

void ClusterMember::Impl::try_to_begin() {
  const auto present = present_peers();
  std::optional<Begin> given;
  {
    const std::lock_guard lock(mutex);
    given.swap(begin);
  }
  Result<void> done;
  if (given) {
    done = belong(*given, {});
  } else if (may_found(present)) {
    done = found(present);
  } else if (ticks % kTicksPerRequest == 0 && !present.empty()) {
    ask_to_join(whom_to_ask(present));
  }
  if (done) return;
  const std::string& why = done.error().message;
  if (std::exchange(last_failure, why) != why) spdlog::error("node {} cannot begin: {}", id, why);
}

// A member, if one is known. One that has begun since it connected has not said so: all are asked, one after the other,
// and those that have not begun do not answer.
NodeId ClusterMember::Impl::whom_to_ask(const std::map<NodeId, PeerHello>& present) const {
  const auto member =
      std::ranges::find_if(present, [](const auto& peer) { return !peer.second.cluster_id.empty(); });
  if (member != present.end()) return member->first;
  const auto turn = static_cast<std::size_t>(ticks / kTicksPerRequest) % present.size();
  return std::next(present.begin(), static_cast<std::ptrdiff_t>(turn))->first;
}

bool ClusterMember::Impl::may_found(const std::map<NodeId, PeerHello>& present) const {
  const auto& initial = nodes->config().member.initial;
  if (initial.empty() || initial.front().first != id || self.witness) return false;
  return std::ranges::all_of(initial, [&](const auto& node) {
    const auto peer = present.find(node.first);
    return node.first == id || (peer != present.end() && peer->second.cluster_id.empty());
  });
}

// A content that is there already reaches the others by joining: this node begins alone.
Result<void> ClusterMember::Impl::found(const std::map<NodeId, PeerHello>& present) {
  const ClusterConfig& config = nodes->config();
  auto empty = files.engine->is_empty();
  if (!empty) return std::unexpected(empty.error());
  Begin cluster{.cluster_id = wanted_cluster_id.empty() ? new_cluster_id() : wanted_cluster_id,
                .mode = config.mode};
  for (const auto& [node, address] : config.member.initial) {
    if (node != id && !*empty) continue;
    cluster.membership.put({.id = node,
                            .instance = node == id ? self.instance : present.at(node).instance,
                            .witness = node != id && present.at(node).witness,
                            .preferred = node == id,
                            .peer = address});
  }
  spdlog::info("node {} begins cluster {} with {} nodes", id, cluster.cluster_id,
               cluster.membership.members.size());
  return belong(cluster, *empty ? Position{} : kAdopted);
}

Result<void> ClusterMember::Impl::belong(const Begin& cluster, Position base) {
  if (!wanted_cluster_id.empty() && cluster.cluster_id != wanted_cluster_id) {
    return fail(ErrorCode::identity_mismatch, "it is named as a member of cluster " + cluster.cluster_id +
                                                  ", the configuration says " + wanted_cluster_id + ".");
  }
  if (auto done = begin_node(nodes->config().nodes.front(), files, cluster, base); !done) return done;
  files = {};  // closes them
  self.cluster_id = cluster.cluster_id;
  endpoint->detach(id);
  endpoint->set_hello(self);
  nodes->set_cluster_id(cluster.cluster_id);
  belongs = true;
  spdlog::info("node {} belongs to cluster {}", id, cluster.cluster_id);
  return nodes->start_node(id);
}

void ClusterMember::Impl::ask_to_join(const NodeId& asked) {
  const Member member{.id = id,
                      .instance = self.instance,
                      .witness = self.witness,
                      .voter = false,
                      .preferred = nodes->config().nodes.front().preferred_master,
                      .peer = self.peer_address};
  endpoint->send({.from = id,
                  .to = asked,
                  .body = Call{.id = nodes->executor().random(),
                               .timeout_us = kJoinTimeoutUs,
                               .body = MemberCall{.member = member}},
                  .instance = self.instance});
}

// Tells members that have not begun that they may, and connects to members that joined elsewhere: at once when the
// membership has changed, and again now and then.
void ClusterMember::Impl::tend_peers() {
  const auto membership = nodes->decided_membership();
  if (!membership) return;
  const bool is_news = std::exchange(tended, *membership) != *membership;
  if (!is_news && ticks % kTicksPerRequest != 0) return;
  for (const auto& [node, hello] : present_peers()) {
    const Member* member = membership->find(node);
    if (!hello.cluster_id.empty() || member == nullptr || member->instance != hello.instance) continue;
    endpoint->send(
        {.from = id,
         .to = node,
         .body = Begin{.cluster_id = self.cluster_id, .mode = nodes->mode(), .membership = *membership},
         .instance = self.instance});
  }
  for (const Member& member : membership->members) {
    if (member.id == id || member.peer.empty() || endpoint->is_reachable(member.id)) continue;
    if (known_addresses.insert(member.id + " " + member.peer).second)
      endpoint->set_address(member.id, member.peer);
  }
}

// The witness of --witness-lock runs in the process that holds the lock.
void ClusterMember::Impl::tend_shared_witness() {
  const auto& all = nodes->config().nodes;
  const auto witness = std::ranges::find_if(all, &NodeConfig::shared);
  if (witness == all.end() || ticks < witness_rests_until) return;
  if (witness_lock != nullptr) {
    if (nodes->is_wanted(witness->id)) return;
    spdlog::warn("witness {} does not run here any more: another process may take it over", witness->id);
    witness_lock.reset();
    witness_rests_until = ticks + kTicksAfterFailure;
    return;
  }
  auto taken = FolderLock::try_take(nodes->config().member.witness_lock, "node " + id);
  const std::string trouble = taken ? "" : taken.error().message;
  if (trouble != witness_trouble && !trouble.empty()) spdlog::error("witness {}: {}", witness->id, trouble);
  witness_trouble = trouble;
  if (!taken || *taken == nullptr) return;
  witness_lock = std::move(*taken);
  spdlog::info("witness {} runs here now: this process holds the lock of {}", witness->id,
               nodes->config().member.witness_lock);
  nodes->join_node(witness->id);
}

std::optional<Member> ClusterMember::Impl::introduced(const NodeId& node) {
  const auto hello = endpoint->peer(node);
  if (!hello || hello->node != node) return std::nullopt;
  return Member{.id = node,
                .instance = hello->instance,
                .witness = hello->witness,
                .voter = false,
                .peer = hello->peer_address};
}

void ClusterMember::Impl::add_once_connected(NodeId node, std::string peer, Deadline deadline,
                                             MultiDbCoordinator::Callback<std::uint64_t> done) {
  if (const auto member = introduced(node))
    return nodes->coordinator().change_member({.member = *member}, deadline, std::move(done));
  const std::int64_t now = nodes->executor().now_us();
  if (now >= to_us(deadline)) {
    const auto membership = nodes->decided_membership();
    if (!membership || membership->find(node) == nullptr) endpoint->forget(node);
    return done(
        fail(ErrorCode::node_unavailable, "No node " + node + " could be reached at " + peer +
                                              ". Is it running there, with --node-id " + node +
                                              ", and without files of another cluster? The log says more."));
  }
  nodes->executor().post_at(now + kTickUs, [this, node = std::move(node), peer = std::move(peer), deadline,
                                            done = std::move(done)]() mutable {
    add_once_connected(std::move(node), std::move(peer), deadline, std::move(done));
  });
}

ClusterMember::ClusterMember(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ClusterMember::~ClusterMember() {
  stop(std::chrono::seconds(10));
}

Result<std::unique_ptr<ClusterMember>> ClusterMember::open(ClusterConfig config) {
  NodeConfig& node = config.nodes.front();
  auto files = open_node_files(config.engine, node);
  if (!files) return std::unexpected(files.error());
  // Who is preferred, the cluster knows, once the node belongs to it.
  if (files->meta) node.preferred_master = files->meta->role == "master";
  if (auto checked = check_identity(node, *files, config.cluster_id); !checked)
    return std::unexpected(checked.error());
  if (files->has_begun()) config.cluster_id = files->cluster_id();

  auto impl = std::make_unique<Impl>();
  impl->id = node.id;
  impl->wanted_cluster_id = config.cluster_id;
  impl->belongs = files->has_begun();
  PeerOptions options = peer_options(config, *files);
  auto endpoint = PeerEndpoint::start(options, *impl);
  if (!endpoint) return std::unexpected(endpoint.error());
  impl->endpoint = std::move(*endpoint);
  impl->self = options.self;
  if (impl->self.peer_address.empty()) {
    impl->self.peer_address = config.member.listen_host + ":" + std::to_string(impl->endpoint->port());
  }
  for (const std::string& address : config.member.join) impl->endpoint->dial(address);
  impl->nodes = std::make_unique<LocalNodes>(std::move(config), *impl->endpoint);
  if (impl->belongs) {
    *files = {};  // closes them
    if (auto started = impl->nodes->start_all(1); !started) return std::unexpected(started.error());
  } else {
    impl->files = std::move(*files);
    impl->endpoint->attach(impl->id, *impl);
  }
  const MemberConfig& member = impl->nodes->config().member;
  if (!impl->belongs && member.initial.empty() && member.join.empty())
    spdlog::info("node {} waits to be added: POST /v1/cluster/nodes on a node of the cluster", impl->id);
  impl->tick_later();
  return std::unique_ptr<ClusterMember>(new ClusterMember(std::move(impl)));
}

MultiDbCoordinator& ClusterMember::coordinator() {
  return impl_->nodes->coordinator();
}
const ClusterConfig& ClusterMember::config() const {
  return impl_->nodes->config();
}

void ClusterMember::add_node(NodeId node, std::string peer, Deadline deadline,
                             MultiDbCoordinator::Callback<std::uint64_t> done) {
  impl_->endpoint->set_address(node, peer);
  impl_->add_once_connected(std::move(node), std::move(peer), deadline, std::move(done));
}

bool ClusterMember::stop(std::chrono::milliseconds grace) {
  const bool drained = impl_->nodes->stop(grace);
  impl_->endpoint->stop();
  return drained;
}

}  // namespace quorate
