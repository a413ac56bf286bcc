// Elections: Raft §5.2 and §5.4.1, with pre-vote (thesis §9.6) and check-quorum (thesis §6.2).
#include <algorithm>
#include <cassert>

#include "core/consensus/raft.hpp"

namespace quorate {

void Raft::reset_election_timer() {
  const auto spread = static_cast<std::uint64_t>(config_.election_timeout_us);
  election_deadline_ = now_ + config_.election_timeout_us + static_cast<TimeUs>(random_ % spread);
}

// Stickiness: whoever heard from a leader less than an election timeout ago helps nobody to replace it.
bool Raft::hears_from_leader() const {
  if (role_ == Role::leader) return true;
  return !leader_.empty() && now_ - last_leader_contact_ < config_.election_timeout_us;
}

void Raft::start_pre_vote() {
  reset_election_timer();
  if (!keeps(Rule::pre_vote)) return start_election();
  role_ = Role::pre_candidate;
  leader_.clear();
  votes_ = {config_.id};
  for (const NodeId& voter : config_.voters) {
    if (voter == config_.id) continue;
    reply(voter, VoteRequest{.pre = true, .term = hard_.term + 1, .last_log = log_.last()});
  }
  count_votes();
}

void Raft::start_election() {
  reset_election_timer();
  set_hard_state({.term = hard_.term + 1, .voted_for = config_.id});
  role_ = Role::candidate;
  leader_.clear();
  votes_.clear();  // its own vote counts once it is durable: on(Persisted)
  for (const NodeId& voter : config_.voters) {
    if (voter == config_.id) continue;
    reply(voter, VoteRequest{.pre = false, .term = hard_.term, .last_log = log_.last()});
  }
}

void Raft::count_votes() {
  if (votes_.size() < majority()) return;
  if (role_ == Role::pre_candidate) return start_election();
  if (role_ == Role::candidate) become_leader();
}

void Raft::become_leader() {
  role_ = Role::leader;
  leader_ = config_.id;
  peers_.clear();
  for (const NodeId& voter : config_.voters) {
    if (voter == config_.id) continue;
    Progress& peer = peers_[voter];
    peer.next = log_.last_index() + 1;
    peer.last_contact = now_;
  }
  round_ = 0;
  term_start_ = log_.last_index() + 1;
  heartbeat_deadline_ = now_;
  if (keeps(Rule::noop_opens_term)) append(EntryKind::noop, std::make_shared<const std::string>());
  request_heartbeats();
}

void Raft::step_down_without_quorum() {
  const auto heard = [this](const auto& entry) {
    return now_ - entry.second.last_contact < config_.election_timeout_us;
  };
  const auto alive = static_cast<std::size_t>(std::ranges::count_if(peers_, heard)) + 1;
  if (alive < majority() && keeps(Rule::check_quorum)) become_follower(hard_.term, {});
}

void Raft::handle(const NodeId& from, const VoteRequest& request) {
  const auto answer = [&](bool granted) {
    // The true term, so that a pre-candidate which has fallen behind learns of it.
    reply(
        from,
        VoteReply{.pre = request.pre, .term = hard_.term, .request_term = request.term, .granted = granted});
  };
  if (hears_from_leader() && from != leader_ && keeps(Rule::pre_vote)) return answer(false);

  const Position last = log_.last();
  const bool up_to_date = request.last_log.term > last.term ||
                          (request.last_log.term == last.term && request.last_log.index >= last.index) ||
                          !keeps(Rule::vote_for_up_to_date_log);
  if (request.pre) return answer(request.term > hard_.term && up_to_date);

  if (request.term > hard_.term) become_follower(request.term, {});
  const bool free = hard_.voted_for.empty() || hard_.voted_for == from || !keeps(Rule::one_vote_per_term);
  const bool granted = request.term == hard_.term && free && up_to_date;
  if (granted) {
    if (hard_.voted_for != from) set_hard_state({.term = hard_.term, .voted_for = from});
    reset_election_timer();
  }
  answer(granted);
}

void Raft::handle(const NodeId& from, const VoteReply& vote) {
  if (vote.term > hard_.term && !(vote.pre && vote.granted)) return become_follower(vote.term, {});
  const Role expected_role = vote.pre ? Role::pre_candidate : Role::candidate;
  const Term expected_term = vote.pre ? hard_.term + 1 : hard_.term;
  const bool current = vote.request_term == expected_term || !keeps(Rule::drop_stale_replies);
  if (role_ != expected_role || !current || !vote.granted) return;
  votes_.insert(from);
  count_votes();
}

}  // namespace quorate
