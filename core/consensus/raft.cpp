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
      reported_commit_(commit_) {
  assert(applied <= stored.last_index);
}

Effects Raft::step(std::span<const Event> events) {
  effects_ = {};
  round_opened_ = false;
  for (const Event& event : events) {
    std::visit([this](const auto& each) { on(each); }, event);
  }
  if (role_ == Role::leader) send_appends();
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
  return role_ == Role::leader ? heartbeat_deadline_ : election_deadline_;
}

std::map<NodeId, Raft::PeerView> Raft::peers() const {
  std::map<NodeId, PeerView> views;
  if (role_ != Role::leader) return views;
  for (const auto& [id, peer] : peers_) views[id] = {.match = peer.match, .last_contact = peer.last_contact};
  return views;
}

void Raft::on(const Tick& event) {
  now_ = std::max(now_, event.now);
  random_ = event.random;
  if (!started_) {
    started_ = true;
    reset_election_timer();
    if (config_.preferred) election_deadline_ = now_;
  }
  if (role_ == Role::leader) {
    if (now_ >= heartbeat_deadline_) request_heartbeats();
    step_down_without_quorum();
  } else if (now_ >= election_deadline_) {
    start_pre_vote();
  }
}

void Raft::on(const Received& event) {
  std::visit([&](const auto& body) { handle(event.message.from, body); }, event.message.body);
}

void Raft::on(const Proposal& event) {
  const bool leads = role_ == Role::leader && event.term == hard_.term;
  if (leads) append(event.kind, event.payload);
  effects_.proposals.push_back(
      {.id = event.id, .accepted = leads, .position = leads ? log_.last() : Position{}});
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
  role_ = Role::follower;
  leader_ = std::move(leader);
  votes_.clear();
  peers_.clear();
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
  log_.append(std::move(entry));
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
