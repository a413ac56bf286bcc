// Log replication: Raft §5.3 and §5.4, with pipelining (thesis §10.2.1) and fast back-up of stale tails.
#include <algorithm>
#include <cassert>

#include "core/consensus/raft.hpp"

namespace quorate {

void Raft::handle(const NodeId& from, const AppendRequest& request) {
  AppendReply answer{.request_term = request.term, .round = request.round};
  const bool heard = hears_leader(from, request.term);
  answer.term = hard_.term;
  if (!heard) {
    answer.rejected = request.previous.index;
    return reply(from, answer);
  }
  leader_commit_ = request.commit;
  const Index compared = request.previous.index + request.entries.size();
  if (request.previous.index > log_.last_index()) {
    answer.rejected = request.previous.index;
    answer.hint = log_.last_at_most(log_.last_index(), request.previous.term);
    return reply(from, answer);
  }
  // Committed entries are equal on both sides (leader completeness), and the compacted ones are not here to compare.
  const Index floor = std::max(commit_, log_.base().index);
  if (request.previous.index >= floor && log_.term_at(request.previous.index) != request.previous.term) {
    answer.rejected = request.previous.index;
    answer.hint = log_.last_at_most(request.previous.index - 1, request.previous.term);
    return reply(from, answer);
  }
  if (!keeps(Rule::never_truncate_committed) && request.previous.index >= log_.base().index &&
      request.previous.index < log_.last_index()) {
    truncate_from(request.previous.index + 1);
  }
  for (const Entry& entry : request.entries) {
    if (entry.index <= floor && entry.index <= log_.last_index()) continue;
    if (entry.index <= log_.last_index()) {
      if (log_.term_at(entry.index) == entry.term) continue;
      truncate_from(entry.index);
    }
    append(entry);
  }
  const Index cap = keeps(Rule::cap_commit_at_compared) ? compared : log_.last_index();
  const Index limit = std::min(request.commit, cap);
  advance_commit(limit);
  answer.success = true;
  answer.match = keeps(Rule::acknowledge_what_was_compared) ? compared : log_.last_index();
  reply(from, answer);
}

// Takes note of a leader's message; false if it is of an older term.
bool Raft::hears_leader(const NodeId& from, Term term) {
  if (term < hard_.term) return false;
  assert(role_ != Role::leader || term > hard_.term || config_.broken);
  become_follower(term, from);
  last_leader_contact_ = now_;
  reset_election_timer();
  return true;
}

// Raft §7. Until the snapshot is there, the answer says only that this node is alive.
void Raft::handle(const NodeId& from, const SnapshotOffer& offer) {
  AppendReply answer{.request_term = offer.term, .round = offer.round};
  const bool heard = hears_leader(from, offer.term);
  answer.term = hard_.term;
  if (heard) {
    answer.success = commit_ >= offer.base.index;
    // What is committed here is equal to the leader's log, and durable when this answer leaves.
    if (answer.success) answer.match = commit_;
    if (!answer.success) effects_.snapshot_wanted = offer;
  }
  reply(from, answer);
}

void Raft::handle(const NodeId& from, const AppendReply& answer) {
  if (answer.term > hard_.term) return become_follower(answer.term, {});
  if (role_ != Role::leader) return;
  if (answer.request_term != hard_.term && keeps(Rule::drop_stale_replies)) return;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  peer.last_contact = now_;
  peer.answered = true;
  if (answer.round > peer.round) {
    peer.round = answer.round;
    answer_reads();
  }
  if (!answer.success) return on_rejection(peer, answer);

  const Index match = std::min(answer.match, log_.last_index());
  while (!peer.in_flight.empty() && peer.in_flight.front().first <= match) {
    peer.in_flight_bytes -= peer.in_flight.front().second;
    peer.in_flight.pop_front();
  }
  if (peer.probing && answer.match + 1 >= peer.next) peer.probing = false;
  peer.probe_sent = false;
  if (match > peer.match) {
    peer.match = match;
    peer.next = std::max(peer.next, match + 1);
    commit_by_counting();
  }
}

void Raft::on_rejection(Progress& peer, const AppendReply& answer) {
  if (answer.rejected <= peer.match) return;  // an old reply: the logs are known to agree there
  if (peer.probing && answer.rejected != peer.next - 1) return;
  peer.probing = true;
  peer.probe_sent = false;
  peer.in_flight.clear();
  peer.in_flight_bytes = 0;
  Index agreed = answer.rejected - 1;
  if (keeps(Rule::conflict_hint)) {
    agreed = std::min(agreed, log_.last_at_most(answer.hint.index, answer.hint.term).index);
  }
  peer.next = std::max(peer.match, agreed) + 1;
}

void Raft::request_heartbeats() {
  heartbeat_deadline_ = now_ + config_.heartbeat_us;
  for (auto& [id, peer] : peers_) peer.heartbeat_due = true;
}

void Raft::send_appends() {
  for (auto& [id, peer] : peers_) {
    bool force = std::exchange(peer.heartbeat_due, false);
    // A lost probe is repeated with the next heartbeat.
    if (force) peer.probe_sent = false;
    while (send_append(id, peer, force)) force = false;
  }
  tell_commit(false);
}

// Sees to it that every follower learns the commit index: now, or when the time is over for which the next entries may
// do it.
void Raft::tell_commit(bool at_once) {
  bool all_know = true;
  for (auto& [id, peer] : peers_) {
    if (peer.told_commit >= commit_) continue;
    all_know = false;
    peer.heartbeat_due |= at_once;
  }
  if (all_know || at_once) {
    notice_deadline_ = 0;
  } else if (notice_deadline_ == 0) {
    notice_deadline_ = now_ + config_.commit_notice_us;
  }
}

// Sends what comes next, if there is something and the window is open; with `force` also nothing. True: there may be more.
bool Raft::send_append(const NodeId& to, Progress& peer, bool force) {
  if (peer.next <= log_.base().index) {  // what comes next has been compacted away
    peer.told_commit = commit_;
    if (force) {
      effects_.send_now.push_back({config_.id, to,
                                   SnapshotOffer{.term = hard_.term,
                                                 .base = log_.base(),
                                                 .membership = log_.membership_at(log_.base().index),
                                                 .round = round_}});
    }
    return false;
  }
  const bool window_open = peer.in_flight.size() < config_.max_in_flight_messages &&
                           peer.in_flight_bytes < config_.max_in_flight_bytes;
  const bool has_more = peer.next <= log_.last_index();
  const bool may_send = peer.probing ? !peer.probe_sent : window_open && has_more;
  if (!force && !may_send) return false;

  AppendRequest request{.term = hard_.term,
                        .previous = {.index = peer.next - 1, .term = log_.term_at(peer.next - 1)},
                        .commit = commit_,
                        .round = round_};
  if (has_more && window_open && !peer.probing) {
    const bool bounded = keeps(Rule::bounded_appends);
    request.entries = log_.read(peer.next, log_.last_index(), bounded ? config_.max_append_bytes : SIZE_MAX);
    std::size_t bytes = 0;
    for (const Entry& entry : request.entries) bytes += entry.bytes();
    peer.next += request.entries.size();
    peer.in_flight.emplace_back(peer.next - 1, bytes);
    peer.in_flight_bytes += bytes;
  }
  if (peer.probing) peer.probe_sent = true;
  peer.told_commit = commit_;
  // A leader's own entries may travel before they are durable here: it counts itself only once they are (§10.2.1).
  effects_.send_now.push_back({config_.id, to, std::move(request)});
  return !peer.probing && peer.next <= log_.last_index();
}

// Raft §5.3, §5.4.2: an entry of the current term that a majority holds durably is committed, and all before it.
void Raft::commit_by_counting() {
  const Index candidate = reached_by_majority(log_.persisted_index(), &Progress::match);
  if (candidate <= commit_) return;
  if (log_.term_at(candidate) != hard_.term && keeps(Rule::commit_current_term_only)) return;
  const bool is_awaited = awaited_ > commit_;
  advance_commit(candidate);
  if (is_awaited) tell_commit(true);
}

}  // namespace quorate
