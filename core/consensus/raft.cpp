#include "core/consensus/raft.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace quorate {

Raft::Raft(RaftConfig config, StoredLog stored, LogStore& store, Index applied)
    : config_(std::move(config)),
      log_(stored, store),
      hard_(std::move(stored.hard_state)),
      commit_(std::max(stored.base.index, applied)),
      reported_commit_(commit_),
      latest_membership_(log_.membership()) {
  assert(applied <= stored.last_index);
}

Effects Raft::step(std::span<const Event> events) {
  effects_ = {};
  round_opened_ = false;
  for (const Event& event : events) {
    std::visit([this](const auto& each) { on(each); }, event);
  }
  if (role_ == Role::leader) {
    send_appends();
    hand_over_if_unfit();
    drive_transfer();
  }
  // What is applied must be durable here first: after a power cut the database must not be ahead of the log.
  const Index decided = std::min(commit_, log_.persisted_index());
  if (decided > reported_commit_ || !keeps(Rule::commit_never_moves_back)) {
    if (decided != reported_commit_) effects_.committed = decided;
    reported_commit_ = decided;
  }
  return std::exchange(effects_, {});
}

TimeUs Raft::next_deadline() const {
  if (!started_) return 0;
  if (role_ != Role::leader) return election_deadline_;
  return notice_deadline_ != 0 ? std::min(heartbeat_deadline_, notice_deadline_) : heartbeat_deadline_;
}

std::map<NodeId, Raft::PeerView> Raft::peers() const {
  std::map<NodeId, PeerView> views;
  if (role_ != Role::leader) return views;
  for (const auto& [id, peer] : peers_) {
    if (peer.leaves_at != 0) continue;
    views[id] = {.match = peer.match,
                 .last_contact = peer.last_contact,
                 .needs_snapshot = peer.next <= log_.base().index,
                 .answered = peer.answered};
  }
  return views;
}

void Raft::on(const Tick& event) {
  now_ = std::max(now_, event.now);
  random_ = event.random;
  if (!started_) {
    started_ = true;
    reset_election_timer();
    const Member* self = membership().find(config_.id);
    if (self != nullptr && self->preferred) election_deadline_ = now_;
  }
  if (role_ == Role::leader) {
    if (now_ >= heartbeat_deadline_) request_heartbeats();
    if (notice_deadline_ != 0 && now_ >= notice_deadline_) tell_commit(true);
    if (handover_ && now_ >= handover_->deadline) handover_.reset();
    std::erase_if(peers_, [this](const auto& peer) {
      return peer.second.leaves_at != 0 && now_ >= peer.second.leaves_at;
    });
    step_down_without_quorum();
  } else if (now_ >= election_deadline_) {
    start_pre_vote();
  }
}

void Raft::on(const Received& event) {
  const RaftMessage& message = event.message;
  const bool is_reply =
      std::holds_alternative<VoteReply>(message.body) || std::holds_alternative<AppendReply>(message.body);
  if (is_reply && !counts(message.from, message.instance)) return;
  std::visit([&](const auto& body) { handle(message.from, body); }, message.body);
}

void Raft::on(const Proposal& event) {
  const Refusal refusal = refusal_of(event);
  if (refusal == Refusal::none) {
    append(event.kind, event.payload);
    if (event.is_awaited || event.kind != EntryKind::batch) awaited_ = log_.last_index();
  }
  effects_.proposals.push_back(
      {.id = event.id, .refusal = refusal, .position = refusal == Refusal::none ? log_.last() : Position{}});
}

void Raft::on(const Persisted& event) {
  log_.persisted(event.last);
  if (role_ == Role::candidate && event.hard_term == hard_.term) {
    votes_.insert(config_.id);
    count_votes();
  }
  if (role_ == Role::leader) commit_by_counting();
}

void Raft::become_follower(Term term, NodeId leader) {
  assert(term >= hard_.term);
  if (term > hard_.term) set_hard_state({.term = term, .voted_for = {}});
  if (role_ != Role::follower) reset_election_timer();
  if (role_ == Role::leader) leader_commit_ = std::max(leader_commit_, commit_);
  role_ = Role::follower;
  leader_ = std::move(leader);
  votes_.clear();
  peers_.clear();
  handover_.reset();
  fail_reads();
}

void Raft::set_hard_state(HardState hard) {
  hard_ = std::move(hard);
  effects_.log.hard_state = hard_;
}

void Raft::append(EntryKind kind, std::shared_ptr<const std::string> payload) {
  append({.index = log_.last_index() + 1, .term = hard_.term, .kind = kind, .payload = std::move(payload)});
}

void Raft::append(Entry entry) {
  effects_.log.append.push_back(entry);
  const bool changes_membership = entry.kind == EntryKind::membership;
  log_.append(std::move(entry));
  if (!changes_membership) return;
  latest_membership_ = log_.membership();
  if (role_ == Role::leader) follow_membership();
}

void Raft::truncate_from(Index index) {
  std::vector<Entry>& pending = effects_.log.append;
  if (pending.empty() || index < pending.front().index) {
    effects_.log.truncate_from = std::min(index, effects_.log.truncate_from.value_or(index));
  }
  std::erase_if(pending, [index](const Entry& entry) { return entry.index >= index; });
  log_.truncate_from(index);
}

void Raft::advance_commit(Index index) {
  if (index > commit_) commit_ = index;
  if (index < commit_ && !keeps(Rule::commit_never_moves_back)) commit_ = index;
}

}  // namespace quorate
