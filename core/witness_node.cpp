#include "core/witness_node.hpp"

#include <algorithm>
#include <utility>

namespace quorate {

Result<std::unique_ptr<WitnessNode>> WitnessNode::open(Options options) {
  auto stored = options.log->load();
  if (!stored) return std::unexpected(stored.error());
  if (!stored->has_begun())
    return fail(ErrorCode::corrupt, "the log of witness " + options.id + " belongs to no cluster");
  std::unique_ptr<WitnessNode> node(new WitnessNode(std::move(options)));
  const Options& kept = node->options_;
  const Index base = stored->base.index;
  node->outbox_ = std::make_shared<Outbox>(kept.transport, kept.observer, kept.id, stored->instance);
  node->driver_ = std::make_unique<ConsensusDriver>(
      ConsensusDriver::Options{
          .raft = raft_config(kept.id, stored->instance, kept.timing, kept.limits, kept.broken),
          .executor = kept.consensus,
          .transport = kept.transport,
          .log = *kept.log,
          .listener = *node,
          .applied = base,
          .delivers = false},
      std::move(*stored));
  return node;
}

void WitnessNode::start() {
  driver_->start();
}

void WitnessNode::stop() {
  outbox_->open = false;
  driver_->stop();
}

void WitnessNode::receive(Message message) {
  if (auto* raft = std::get_if<RaftBody>(&message.body)) {
    driver_->receive(std::move(message.from), message.instance, std::move(*raft));
  } else if (const auto* compact = std::get_if<CompactBelow>(&message.body)) {
    const Index committed = driver_->view().commit;
    driver_->applied(committed);
    driver_->compact(std::min(compact->index, committed));
  } else if (auto* reply = std::get_if<CallReply>(&message.body)) {
    options_.observer.on_reply(std::move(*reply));
  } else if (auto* call = std::get_if<Call>(&message.body)) {
    answer(message.from, *call);
  }
}

// It passes on who wants to join, and serves nothing else.
void WitnessNode::answer(const NodeId& from, Call& call) {
  auto reply = replier(outbox_, from, call);
  if (auto* change = std::get_if<MemberCall>(&call.body); change != nullptr && call.term == 0) {
    const std::int64_t deadline_us = options_.consensus.now_us() + call.timeout_us;
    return options_.observer.on_member_call(std::move(*change), deadline_us, std::move(reply));
  }
  reply(fail(ErrorCode::no_leader, "Node " + id() + " is a witness and does not serve."));
}

void WitnessNode::send_call(const NodeId& to, Call call) {
  options_.transport.send({.from = id(), .to = to, .body = std::move(call), .instance = outbox_->instance});
}

void WitnessNode::on_unreachable(const NodeId& node) {
  driver_->peer_lost(node);
  options_.observer.on_unreachable(node);
}

void WitnessNode::on_log_failure(Error error) {
  go_down(NodeState::failed, std::move(error));
}

// There is no content to fetch: it begins where the leader's log begins.
void WitnessNode::on_snapshot_wanted(NodeId, SnapshotOffer offer) {
  driver_->stop();
  if (auto installed = options_.log->install(offer.base, offer.membership); !installed) {
    return go_down(NodeState::failed, installed.error());
  }
  go_down(NodeState::installing,
          {.code = ErrorCode::node_unavailable,
           .message = "Witness " + id() + " begins at index " + std::to_string(offer.base.index) + "."});
}

void WitnessNode::go_down(NodeState state, Error why) {
  if (down_.exchange(true)) return;
  driver_->stop();
  options_.observer.on_down(id(), state, std::move(why));
}

bool WitnessNode::has_caught_up() const {
  const ConsensusDriver::View view = driver_->view();
  return !view.leadership.leader.empty() && view.leader_commit != 0 &&
         view.commit + kCaughtUpLag >= view.leader_commit;
}

ClusterStatus WitnessNode::status() const {
  const ConsensusDriver::View view = driver_->view();
  ClusterStatus status{.cluster_id = options_.cluster_id,
                       .term = view.leadership.term,
                       .commit_index = view.commit,
                       .leader = view.leadership.leader,
                       .source = id()};
  if (view.membership == nullptr) return status;
  for (const Member& member : view.membership->members) {
    NodeStatus& node = status.nodes.emplace_back(status_of(member, view.leadership.leader));
    node.state = member.id == id() ? "running" : "unknown";
  }
  return status;
}

}  // namespace quorate
