#include "core/witness_node.hpp"

#include <algorithm>
#include <utility>

namespace quorate {

Result<std::unique_ptr<WitnessNode>> WitnessNode::open(Options options) {
  auto stored = options.log->load();
  if (!stored) return std::unexpected(stored.error());
  if (stored->membership.members.empty() && stored->memberships.empty())
    return fail(ErrorCode::corrupt, "the log of witness " + options.id + " belongs to no cluster");
  std::unique_ptr<WitnessNode> node(new WitnessNode(std::move(options)));
  const Options& kept = node->options_;
  node->instance_ = stored->instance;
  const Index base = stored->base.index;
  node->driver_ = std::make_unique<ConsensusDriver>(
      ConsensusDriver::Options{.raft = {.id = kept.id,
                                        .instance = stored->instance,
                                        .heartbeat_us = to_us(kept.timing.heartbeat),
                                        .election_timeout_us = to_us(kept.timing.election_timeout),
                                        .max_append_bytes = kept.limits.append_bytes,
                                        .broken = kept.broken},
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
  driver_->stop();
}

void WitnessNode::receive(Message message) {
  if (auto* raft = std::get_if<RaftBody>(&message.body)) {
    driver_->receive(std::move(message.from), message.instance, std::move(*raft));
  } else if (const auto* compact = std::get_if<CompactBelow>(&message.body)) {
    const Index committed = driver_->view().commit;
    driver_->applied(committed);
    driver_->compact(std::min(compact->index, committed));
  } else if (const auto* call = std::get_if<Call>(&message.body)) {
    const Error error{.code = ErrorCode::no_leader,
                      .message = "Node " + id() + " is a witness and does not serve.",
                      .node = id()};
    options_.transport.send({.from = id(),
                             .to = message.from,
                             .body = CallReply{.id = call->id, .answer = std::unexpected(error)},
                             .instance = instance_});
  }
}

void WitnessNode::on_unreachable(const NodeId& node) {
  driver_->peer_lost(node);
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
  options_.on_down(state, std::move(why));
}

}  // namespace quorate
