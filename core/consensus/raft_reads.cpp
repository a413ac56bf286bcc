// Linearizable reads without log entries: read-index (thesis §6.4).
#include <algorithm>
#include <utility>

#include "core/consensus/raft.hpp"

namespace quorate {

void Raft::on(const ReadRequest& event) {
  if (role_ != Role::leader) {
    effects_.reads.push_back({.id = event.id});
    return;
  }
  // A new leader knows how far the log is committed only once an entry of its own term is.
  const Index index = keeps(Rule::reads_wait_for_own_term) ? std::max(commit_, term_start_) : commit_;
  const bool decides_alone = is_majority({config_.id});
  if (!keeps(Rule::confirm_leadership_for_reads) || decides_alone) {
    effects_.reads.push_back({.id = event.id, .confirmed = true, .index = index});
    return;
  }
  // Reads of one step share a round: the first one opens it, and its requests leave at the end of the step.
  if (!std::exchange(round_opened_, true)) {
    ++round_;
    for (auto& [id, peer] : peers_) peer.heartbeat_due = true;
  }
  reads_.push_back({.id = event.id, .index = index, .round = round_});
}

// A round is confirmed when a majority, this node included, has answered a request that was sent since it began.
void Raft::answer_reads() {
  if (reads_.empty()) return;
  const std::uint64_t confirmed = reached_by_majority(round_, &Progress::round);
  while (!reads_.empty() && reads_.front().round <= confirmed) {
    effects_.reads.push_back({.id = reads_.front().id, .confirmed = true, .index = reads_.front().index});
    reads_.pop_front();
  }
}

void Raft::fail_reads() {
  for (const PendingRead& read : reads_) effects_.reads.push_back({.id = read.id});
  reads_.clear();
}

}  // namespace quorate
