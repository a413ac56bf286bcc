// Membership as the leader tends it: joining, promotion, removal, dual_write without a dead node, the preferred master.
#include <algorithm>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {
namespace {

constexpr std::int64_t kAskUs = 1'000'000;         // without a leader
constexpr std::int64_t kRemovedForUs = 2'000'000;  // at least, before it is believed
constexpr std::int64_t kJoinAgainUs = 2'000'000;

}  // namespace

bool DbNode::counts_for_dual_write(const Member& member) const {
  return member.voter && !member.witness && !member.out;
}

// The other nodes that dual_write asks for.
std::vector<NodeId> DbNode::dual_write_nodes() const {
  std::vector<NodeId> nodes;
  for (const Member& member : membership_.members) {
    if (counts_for_dual_write(member) && member.id != id()) nodes.push_back(member.id);
  }
  return nodes;
}

std::vector<NodeId> DbNode::other_members() const {
  std::vector<NodeId> nodes;
  for (const Member& member : membership_.members) {
    if (member.id != id()) nodes.push_back(member.id);
  }
  return nodes;
}

void DbNode::change_member(const MemberCall& change, std::int64_t deadline_us, Answer done) {
  submit({.kind = EntryKind::membership,
          .change = change,
          .deadline_us = deadline_us,
          .done = answer_with_index(std::move(done))});
}

// What the membership becomes by the change; the same if there is nothing to do.
Result<Membership> DbNode::changed(const Membership& before, const MemberCall& change) const {
  Membership next = before;
  const Member* present = before.find(change.member.id);
  if (change.remove) {
    if (present == nullptr)
      return fail(ErrorCode::not_found, "Node " + change.member.id + " is no member of this cluster.");
    next.remove(change.member.id);
    const auto has_content = [](const Member& member) { return member.voter && !member.witness; };
    if (std::ranges::none_of(next.members, has_content))
      return fail(ErrorCode::malformed_request, "The last data node of a cluster cannot be removed.");
    if (!has_live_majority(next)) {
      return fail(
          ErrorCode::node_unavailable,
          "Without node " + change.member.id +
              " too few of the remaining nodes can be reached to decide anything. Bring them back first.");
    }
    return next;
  }
  Member member = change.member;
  if (present != nullptr && present->instance == member.instance) {
    if (present->voter && !member.voter) member = *present;  // joins again: it is in already
    member.peer = change.member.peer.empty() ? present->peer : change.member.peer;
  } else if (present != nullptr) {
    // A node that has lost its files. Somebody else who uses its name is kept out while the true one is there.
    const auto peers = driver_->view().peers;
    const auto peer = peers.find(member.id);
    const bool alive =
        member.id == id() ||
        (peer != peers.end() && options_.transport.is_reachable(member.id) && in_contact(peer->second));
    if (alive) {
      return fail(ErrorCode::identity_mismatch,
                  "Another process takes part as node " + member.id +
                      " already. If that one has lost its files, try again once it is stopped.");
    }
    member.voter = false;
    member.witness = present->witness;
    member.preferred = present->preferred;
  } else {
    member.voter = false;
  }
  next.put(std::move(member));
  return next;
}

// As leader: heard from within an election timeout.
bool DbNode::in_contact(const Raft::PeerView& peer) const {
  return options_.writer.now_us() - peer.last_contact < to_us(options_.timing.election_timeout);
}

bool DbNode::has_live_majority(const Membership& membership) const {
  const ConsensusDriver::View view = driver_->view();
  const auto is_alive = [&](const Member& member) {
    if (!member.voter || member.id == id()) return member.voter;
    const auto peer = view.peers.find(member.id);
    return peer != view.peers.end() && peer->second.answered && options_.transport.is_reachable(member.id) &&
           in_contact(peer->second);
  };
  const auto alive = static_cast<std::size_t>(std::ranges::count_if(membership.members, is_alive));
  return alive >= membership.majority();
}

void DbNode::transfer(const NodeId& to, std::int64_t deadline_us, Answer done) {
  if (to == id()) return done(IndexAnswer{applied_.index});
  const Member* member = membership_.find(to);
  if (member == nullptr)
    return done(fail(ErrorCode::not_found, "Node " + to + " is no member of this cluster."));
  if (member->witness || !member->voter) {
    return done(fail(ErrorCode::malformed_request,
                     "Node " + to + " cannot lead: it is a " + (member->witness ? "witness." : "learner.")));
  }
  if (handover_) return done(fail(ErrorCode::overloaded, "Leadership is being handed over already."));
  const std::int64_t patience = options_.writer.now_us() + 2 * to_us(options_.timing.election_timeout);
  handover_ = {.to = to, .deadline_us = std::min(deadline_us, patience), .done = std::move(done)};
  driver_->transfer(to);
}

void DbNode::tend_handover() {
  if (!handover_) return;
  if (leadership_.leader == handover_->to) {
    auto done = std::move(std::exchange(handover_, std::nullopt)->done);
    return done(IndexAnswer{applied_.index});
  }
  if (options_.writer.now_us() < handover_->deadline_us) return;
  Handover late = std::move(*std::exchange(handover_, std::nullopt));
  late.done(fail(ErrorCode::node_unavailable, "Node " + late.to + " did not take over in time."));
}

bool DbNode::is_caught_up(const NodeId& member_id, const Raft::PeerView& peer, Index last_index) const {
  const Member* member = membership_.find(member_id);
  if (member == nullptr || !in_contact(peer) || peer.needs_snapshot || peer.match + kCaughtUpLag < last_index)
    return false;
  if (member->witness) return true;
  const auto report = reports_.find(member_id);
  return report != reports_.end() && report->second.state == NodeState::running && peer.match != 0 &&
         report->second.applied.index + kCaughtUpLag >= applied_.index;
}

// As leader, one step at a time: promotes learners that have caught up, takes nodes out of dual_write and back in.
void DbNode::tend_members() {
  tend_handover();
  if (!leads_ || changing_membership_) return;
  const ConsensusDriver::View view = driver_->view();
  const std::int64_t now = options_.writer.now_us();
  if (view.membership_index > applied_.index || applied_.index < leadership_.term_start) return;
  for (Member member : membership_.members) {
    const auto peer = view.peers.find(member.id);
    const bool is_self = member.id == id();
    if (peer == view.peers.end() && !is_self) continue;
    const bool caught_up = is_self || is_caught_up(member.id, peer->second, view.last_index);
    const bool gone = !is_self && now - peer->second.last_contact > to_us(options_.timing.degrade_after);
    const bool degrades = options_.dual_write_degrade && mode_ == ConsistencyMode::dual_write;
    if (!member.voter && caught_up) {
      member.voter = true;
      member.out = false;
    } else if (degrades && gone && counts_for_dual_write(member)) {
      member.out = true;
    } else if (member.out && caught_up) {
      member.out = false;
    } else {
      continue;
    }
    changing_membership_ = true;
    return submit({.kind = EntryKind::membership,
                   .change = MemberCall{.member = std::move(member)},
                   .deadline_us = now + to_us(options_.limits.default_timeout),
                   .done = [this](const Result<WriteReceipt>&) { changing_membership_ = false; }});
  }
  hand_back(view);
}

// The preferred master leads again once it has been well for a while.
void DbNode::hand_back(const ConsensusDriver::View& view) {
  const Member* self = membership_.find(id());
  const auto preferred = std::ranges::find_if(membership_.members, [&](const Member& member) {
    return member.preferred && member.voter && !member.witness && member.id != id();
  });
  const bool wanted = preferred != membership_.members.end() && (self == nullptr || !self->preferred);
  const std::int64_t now = options_.writer.now_us();
  const auto peer = wanted ? view.peers.find(preferred->id) : view.peers.end();
  if (peer == view.peers.end() || !is_caught_up(preferred->id, peer->second, view.last_index) || handover_) {
    preferred_well_since_us_ = now;
    return;
  }
  if (now - preferred_well_since_us_ < to_us(options_.timing.hand_back_after)) return;
  preferred_well_since_us_ = now;  // if it does not take it, it is asked again after as long
  driver_->transfer(preferred->id);
}

bool DbNode::names_self(const Membership& membership) const {
  const Member* self = membership.find(id());
  return self != nullptr && self->instance == instance_;
}

// The cluster takes another life of this id for the member: that this one joined has been overtaken by an earlier life's
// asking to, which went astray for a while. Or this one is far behind; then nothing comes of it.
void DbNode::join_again(const Member& present, std::int64_t now_us) {
  if (joined_again_us_ == 0) joined_again_us_ = now_us;
  if (now_us - joined_again_us_ < kJoinAgainUs) return;
  joined_again_us_ = now_us;
  // With all that the place is marked with: this may be answered when this life is in it already.
  Member self = present;
  self.instance = instance_;
  self.voter = false;
  self.out = false;
  options_.observer.on_member_call({.member = self}, now_us + kJoinAgainUs, [](const Result<CallAnswer>&) {});
}

// Nobody speaks to a node that has been removed, perhaps while it was away. It asks those it knows, for one may lead.
void DbNode::notice_removal() {
  const ConsensusDriver::View view = driver_->view();
  const std::int64_t now = options_.writer.now_us();
  const Membership& latest = view.membership != nullptr ? *view.membership : membership_;
  // What is decided counts, and what may yet be.
  const bool is_member = names_self(membership_) || names_self(latest);
  if (const Member* present = latest.find(id()); present != nullptr && !is_member) join_again(*present, now);
  const bool is_led = view.leadership.role == Role::leader ||
                      (view.last_leader_contact != 0 && now - view.last_leader_contact < kAskUs);
  if (is_led) removed_since_us_ = 0;
  if (is_led || status_asked_us_ == 0) status_asked_us_ = now;
  if (now - status_asked_us_ < kAskUs) return;
  status_asked_us_ = now;
  status_asked_ = options_.writer.random();
  for (const Member& member : latest.members) {
    if (member.id != id())
      send(member.id, Call{.id = status_asked_, .timeout_us = kAskUs, .body = StatusCall{}});
  }
}

// A leader that has been replaced without knowing may not know either that this node has joined. It does not lead for long.
void DbNode::handle(const NodeId&, CallReply& reply) {
  const auto* status = reply.answer ? std::get_if<ClusterStatus>(&*reply.answer) : nullptr;
  if (status == nullptr || status->source != status->leader || status->cluster_id != cluster_id_) return;
  const std::int64_t now = options_.writer.now_us();
  if (std::ranges::find(status->nodes, id(), &NodeStatus::id) != status->nodes.end()) {
    removed_since_us_ = 0;
    return;
  }
  if (removed_since_us_ == 0) removed_since_us_ = now;
  if (now - removed_since_us_ < std::max(kRemovedForUs, 2 * to_us(options_.timing.election_timeout))) return;
  go_down(NodeState::removed, {.code = ErrorCode::not_found,
                               .message = "Node " + id() + " has been removed from the cluster.",
                               .node = id()});
}

}  // namespace quorate
