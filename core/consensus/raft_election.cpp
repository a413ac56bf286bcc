// Elections: Raft §5.2 and §5.4.1, with pre-vote (thesis §9.6) and check-quorum (thesis §6.2).
#include <algorithm>
#include <cassert>

#include "core/consensus/raft.hpp"

namespace quorate {

void Raft::reset_election_timer() {
  const auto spread = static_cast<std::uint64_t>(config_.election_timeout_us);
  // Who could only hand over waits until nobody else seems able to win.
  const TimeUs patience = config_.election_timeout_us * (is_fit_to_lead() ? 1 : 3);
  election_deadline_ = now_ + patience + static_cast<TimeUs>(random_ % spread);
}

// After a campaign that came to nothing: shorter, for the leader is known to be gone.
void Raft::reset_campaign_timer() {
  const auto spread = static_cast<std::uint64_t>(config_.election_timeout_us / 2);
  election_deadline_ = now_ + config_.election_timeout_us / 2 + static_cast<TimeUs>(random_ % spread);
}

// Stickiness: whoever heard from a leader less than an election timeout ago helps nobody to replace it.
bool Raft::hears_from_leader() const {
  if (role_ == Role::leader) return true;
  if (!keeps(Rule::stickiness_ends)) return !leader_.empty();
  return !leader_.empty() && now_ - last_leader_contact_ < config_.election_timeout_us;
}

// Only a voter campaigns, by its own latest membership; whether it is one, decide those who count its votes.
void Raft::start_pre_vote() {
  if (!is_voter()) return reset_election_timer();
  if (is_fit_to_lead()) {
    reset_campaign_timer();
  } else {
    reset_election_timer();
  }
  if (!keeps(Rule::pre_vote)) return start_election(false);
  role_ = Role::pre_candidate;
  leader_.clear();
  votes_ = {config_.id};
  for (const Member& member : membership().members) {
    if (member.id == config_.id || !member.voter) continue;
    reply(member.id, VoteRequest{.pre = true, .term = hard_.term + 1, .last_log = log_.last()});
  }
  count_votes();
}

void Raft::start_election(bool transfer) {
  reset_campaign_timer();
  set_hard_state({.term = hard_.term + 1, .voted_for = config_.id});
  role_ = Role::candidate;
  leader_.clear();
  votes_.clear();  // its own vote counts once it is durable: on(Persisted)
  for (const Member& member : membership().members) {
    if (member.id == config_.id || !member.voter) continue;
    reply(member.id, VoteRequest{.transfer = transfer, .term = hard_.term, .last_log = log_.last()});
  }
}

void Raft::count_votes() {
  if (!is_majority(votes_)) return;
  if (role_ == Role::pre_candidate) return start_election(false);
  if (role_ == Role::candidate) become_leader();
}

void Raft::become_leader() {
  role_ = Role::leader;
  leader_ = config_.id;
  peers_.clear();
  handover_.reset();
  follow_membership();
  round_ = 0;
  term_start_ = log_.last_index() + 1;
  awaited_ = term_start_;
  notice_deadline_ = 0;
  heartbeat_deadline_ = now_;
  if (keeps(Rule::noop_opens_term)) append(EntryKind::noop, std::make_shared<const std::string>());
  request_heartbeats();
}

void Raft::step_down_without_quorum() {
  std::set<NodeId> alive{config_.id};
  for (const auto& [id, peer] : peers_) {
    if (now_ - peer.last_contact < config_.election_timeout_us) alive.insert(id);
  }
  if (!is_majority(alive) && keeps(Rule::check_quorum)) become_follower(hard_.term, {});
}

void Raft::handle(const NodeId& from, const VoteRequest& request) {
  const auto answer = [&](bool granted) {
    // The true term, so that a pre-candidate which has fallen behind learns of it.
    const bool hides = request.pre && !granted && !keeps(Rule::pre_vote_tells_true_term);
    reply(from, VoteReply{.pre = request.pre,
                          .term = hides ? 0 : hard_.term,
                          .request_term = request.term,
                          .granted = granted});
  };
  const bool sticks = hears_from_leader() && from != leader_ && !request.transfer;
  if (sticks && keeps(Rule::pre_vote)) return answer(false);
  if (!keeps(Rule::vote_without_own_view) && !membership().has_voter(from)) return answer(false);

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
