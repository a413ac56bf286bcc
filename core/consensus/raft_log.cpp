#include "core/consensus/raft_log.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <stdexcept>

namespace quorate {

RaftLog::RaftLog(StoredLog stored, LogStore& store)
    : store_(store),
      base_(stored.base),
      last_index_(stored.last_index),
      term_starts_(stored.term_starts.begin(), stored.term_starts.end()),
      unstable_first_(stored.last_index + 1) {
  memberships_.emplace_back(stored.base.index, std::move(stored.membership));
  std::ranges::move(stored.memberships, std::back_inserter(memberships_));
}

Term RaftLog::term_at(Index index) const {
  if (index == base_.index) return base_.term;
  assert(index > base_.index && index <= last_index_);
  auto after = std::upper_bound(term_starts_.begin(), term_starts_.end(), index,
                                [](Index value, const Position& start) { return value < start.index; });
  assert(after != term_starts_.begin());
  return std::prev(after)->term;
}

const Membership& RaftLog::membership_at(Index index) const {
  assert(index >= base_.index && index <= last_index_);
  auto found = memberships_.rbegin();
  while (found->first > index) ++found;
  return found->second;
}

Position RaftLog::last_at_most(Index limit, Term term) const {
  limit = std::min(limit, last_index_);
  for (auto start = term_starts_.rbegin(); start != term_starts_.rend(); ++start) {
    if (start->index > limit) continue;
    if (start->term <= term) return {.index = limit, .term = start->term};
    limit = start->index - 1;
  }
  return base_;
}

void RaftLog::append(Entry entry) {
  assert(entry.index == last_index_ + 1);
  assert(last_index_ == base_.index || entry.term >= term_at(last_index_));
  if (term_starts_.empty() || term_starts_.back().term != entry.term)
    term_starts_.push_back(entry.position());
  if (entry.kind == EntryKind::membership) {
    auto membership = parse_membership(*entry.payload);
    if (!membership) throw std::runtime_error(membership.error().message);
    memberships_.emplace_back(entry.index, std::move(*membership));
  }
  last_index_ = entry.index;
  unstable_.push_back(std::move(entry));
}

void RaftLog::truncate_from(Index index) {
  assert(index > base_.index && index <= last_index_);
  while (!term_starts_.empty() && term_starts_.back().index >= index) term_starts_.pop_back();
  while (!unstable_.empty() && unstable_.back().index >= index) unstable_.pop_back();
  while (memberships_.back().first >= index) memberships_.pop_back();
  last_index_ = index - 1;
  unstable_first_ = std::min(unstable_first_, index);
}

void RaftLog::persisted(Position last) {
  // An acknowledgement for entries that have been replaced since says nothing about their successors.
  if (last.index > last_index_ || last.index < unstable_first_ || term_at(last.index) != last.term) return;
  while (!unstable_.empty() && unstable_.front().index <= last.index) unstable_.pop_front();
  unstable_first_ = last.index + 1;
}

void RaftLog::compacted(Position base) {
  assert(base.index < unstable_first_);
  if (base.index <= base_.index) return;
  const bool run_goes_on = base.index < last_index_ && term_at(base.index + 1) == base.term;
  while (!term_starts_.empty() && term_starts_.front().index <= base.index) term_starts_.pop_front();
  if (run_goes_on) term_starts_.push_front({.index = base.index + 1, .term = base.term});
  while (memberships_.size() > 1 && memberships_[1].first <= base.index) memberships_.pop_front();
  base_ = base;
}

std::vector<Entry> RaftLog::read(Index first, Index last, std::size_t max_bytes) const {
  assert(first > base_.index && last <= last_index_ && first <= last);
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  if (first < unstable_first_) {
    auto stored = store_.read(first, std::min(last, unstable_first_ - 1), max_bytes);
    if (!stored) throw std::runtime_error("the log cannot be read: " + stored.error().message);
    entries = std::move(*stored);
    for (const Entry& entry : entries) bytes += entry.bytes();
  }
  for (Index next = first + entries.size(); next <= last && next >= unstable_first_; ++next) {
    const Entry& entry = unstable_[next - unstable_first_];
    if (!entries.empty() && bytes + entry.bytes() > max_bytes) break;
    bytes += entry.bytes();
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace quorate
