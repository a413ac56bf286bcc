// The log as the Raft core sees it: what is stored, plus what has been decided on but is not durable yet.
#pragma once

#include <deque>

#include "core/consensus/log_store.hpp"

namespace quorate {

class RaftLog {
 public:
  // `store` must outlive this object; only its read() is used.
  RaftLog(StoredLog stored, LogStore& store);

  Position base() const { return base_; }
  Index last_index() const { return last_index_; }
  Position last() const { return {.index = last_index_, .term = term_at(last_index_)}; }
  // The term of an entry from base() to last_index(); 0 for index 0.
  Term term_at(Index index) const;
  // The last entry at or before `limit` whose term is at most `term`, or base().
  Position last_at_most(Index limit, Term term) const;

  // The latest membership in the log, decided or not, and the index of its entry (at most base(): the base's).
  const Membership& membership() const { return memberships_.back().second; }
  Index membership_index() const { return memberships_.back().first; }
  // As of an entry from base() to last_index().
  const Membership& membership_at(Index index) const;

  // A membership entry that cannot be read throws std::runtime_error: the participant must stop.
  void append(Entry entry);
  void truncate_from(Index index);

  // Everything up to and including `last` has become durable as it stands now.
  void persisted(Position last);
  // The last index that is durable and has not been truncated since.
  Index persisted_index() const { return unstable_first_ - 1; }

  void compacted(Position base);

  // At least one entry from `first` to `last`, more while they fit `max_bytes`. A store that cannot read its own
  // entries throws std::runtime_error: the participant must stop.
  std::vector<Entry> read(Index first, Index last, std::size_t max_bytes) const;

 private:
  LogStore& store_;
  Position base_;
  Index last_index_;
  std::deque<Position> term_starts_;  // first entry of each run of equal terms after base_
  std::deque<std::pair<Index, Membership>> memberships_;  // never empty; the first is that of base_
  Index unstable_first_;  // entries from here on are in unstable_, those before in store_
  std::deque<Entry> unstable_;
};

}  // namespace quorate
