// Who counts, how that changes (thesis §4.1, one voter at a time), and how leadership is handed on (thesis §3.10).
#include <algorithm>

#include "core/consensus/raft.hpp"

namespace quorate {
namespace {

// How much later the next in line campaigns when the leader's connections have closed: they do not split the vote.
constexpr TimeUs kStaggerUs = 15'000;

}  // namespace

bool Raft::is_voter() const {
  const Member* self = membership().find(config_.id);
  return self != nullptr && self->voter &&
         (self->instance == config_.instance || !keeps(Rule::count_only_known_instances));
}

bool Raft::is_fit_to_lead() const {
  const Member* self = membership().find(config_.id);
  return config_.has_content && (self == nullptr || !self->witness);
}

bool Raft::is_majority(const std::set<NodeId>& nodes) const {
  const auto votes = [&](const Member& member) { return member.voter && nodes.contains(member.id); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(membership().members, votes));
  return membership().voters() > 0 && count >= membership().majority();
}

std::uint64_t Raft::reached_by_majority(std::uint64_t own, std::uint64_t Progress::* reached) const {
  std::vector<std::uint64_t> values;
  for (const Member& member : membership().members) {
    if (!member.voter) continue;
    const auto peer = peers_.find(member.id);
    values.push_back(member.id == config_.id ? own : peer == peers_.end() ? 0 : peer->second.*reached);
  }
  if (values.empty()) return 0;
  std::ranges::sort(values, std::greater<>());
  return values[membership().majority() - 1];
}

// Whether a reply may count: only from the instance that the log names. Another one has lost its files and, with them,
// what it promised.
bool Raft::counts(const NodeId& from, Instance instance) const {
  const Member* member = membership().find(from);
  return member == nullptr || member->instance == instance || !keeps(Rule::count_only_known_instances);
}

Refusal Raft::refusal_of(const Proposal& proposal) const {
  if (role_ != Role::leader || proposal.term != hard_.term) return Refusal::not_leader;
  if (handover_) return Refusal::transferring;
  if (proposal.kind != EntryKind::membership) return Refusal::none;
  const auto next = parse_membership(*proposal.payload);
  return next ? refusal_of_change(*next) : Refusal::change_too_big;
}

Refusal Raft::refusal_of_change(const Membership& next) const {
  // Without these two, a new leader could decide on a majority that does not meet its predecessor's (Ongaro,
  // raft-dev, 10 July 2015).
  if (commit_ < term_start_ && keeps(Rule::change_needs_own_term)) return Refusal::change_pending;
  if (log_.membership_index() > commit_ && keeps(Rule::one_change_at_a_time)) return Refusal::change_pending;
  const bool small = differ_by_one_voter(membership(), next) || !keeps(Rule::change_one_voter);
  if (!small || next.voters() == 0) return Refusal::change_too_big;
  for (const Member& member : next.members) {
    const Member* before = membership().find(member.id);
    const bool was_voter = before != nullptr && before->voter && before->instance == member.instance;
    if (!member.voter || was_voter || !keeps(Rule::promote_when_caught_up)) continue;
    if (before == nullptr || before->instance != member.instance || !has_caught_up(member)) {
      return Refusal::not_caught_up;
    }
  }
  return Refusal::none;
}

bool Raft::has_caught_up(const Member& learner) const {
  const auto peer = peers_.find(learner.id);
  return peer != peers_.end() && peer->second.match != 0 &&
         peer->second.match + kCaughtUpLag >= log_.last_index();
}

// Leader: sends to those that are members now. One that has been removed hears of it for a while.
void Raft::follow_membership() {
  for (auto& [id, peer] : peers_) {
    const Member* member = membership().find(id);
    if (member == nullptr && peer.leaves_at == 0) peer.leaves_at = now_ + config_.election_timeout_us;
  }
  for (const Member& member : membership().members) {
    if (member.id == config_.id) continue;
    const auto [peer, is_new] = peers_.try_emplace(member.id);
    if (!is_new && peer->second.instance == member.instance) {
      peer->second.leaves_at = 0;
      continue;
    }
    peer->second = {.next = log_.last_index() + 1, .last_contact = now_, .instance = member.instance};
  }
}

void Raft::on(const PeerLost& event) {
  if (role_ == Role::leader || event.node != leader_) return;
  leader_.clear();
  TimeUs rank = 0;
  for (const Member& member : membership().members) {
    if (member.id == config_.id) break;
    if (member.voter && !member.witness && member.id != event.node) ++rank;
  }
  if (!is_fit_to_lead()) return;  // its own patience tells it when nobody else can win
  election_deadline_ = std::min(election_deadline_, now_ + rank * kStaggerUs);
}

void Raft::on(const Transfer& event) {
  if (role_ != Role::leader || handover_ || event.to == config_.id) return;
  if (!membership().has_voter(event.to)) return;
  handover_ = {.to = event.to, .deadline = now_ + config_.election_timeout_us};
}

void Raft::drive_transfer() {
  if (!handover_ || handover_->told) return;
  const auto peer = peers_.find(handover_->to);
  if (peer == peers_.end()) return handover_.reset();
  if (peer->second.match < log_.last_index() && keeps(Rule::transfer_when_caught_up)) return;
  handover_->told = true;
  effects_.send.push_back({config_.id, handover_->to, TimeoutNow{.term = hard_.term}});
}

// A witness cannot serve, nor can a node whose content is repaired, and a leader that has been removed goes once that is
// decided (thesis §4.2.2): the data node with the longest log shall lead; and if it does not take it (it may be unable
// to, while its content is repaired), the next one.
void Raft::hand_over_if_unfit() {
  const bool leads_unfit = !is_fit_to_lead() && keeps(Rule::witness_hands_over);
  const bool is_removed = !is_voter() && commit_ >= log_.membership_index();
  if (handover_ || (!leads_unfit && !is_removed)) return;
  const auto is_better = [this](const Progress& one, const Progress& other) {
    const bool equally_asked = one.asked_to_lead == other.asked_to_lead || !keeps(Rule::ask_the_next_to_lead);
    return equally_asked ? one.match > other.match : one.asked_to_lead < other.asked_to_lead;
  };
  Progress* best = nullptr;
  NodeId best_id;
  for (auto& [id, peer] : peers_) {
    const Member* member = membership().find(id);
    const bool can_be_asked = member != nullptr && member->voter && !member->witness && !peer.probing &&
                              now_ - peer.last_contact < config_.election_timeout_us;
    if (!can_be_asked || (best != nullptr && !is_better(peer, *best))) continue;
    best = &peer;
    best_id = id;
  }
  if (best == nullptr) return;
  ++best->asked_to_lead;
  on(Transfer{best_id});
}

void Raft::handle(const NodeId& from, const TimeoutNow& request) {
  if (request.term != hard_.term || from != leader_ || role_ == Role::leader) return;
  if (!is_voter() || !is_fit_to_lead()) return;
  start_election(true);
}

}  // namespace quorate
