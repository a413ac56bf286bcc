// A LogStore in memory, for tests that drive the consensus core by hand.
#pragma once

#include "core/consensus/log_store.hpp"

namespace quorate {

class MemoryLog final : public LogStore {
 public:
  Result<StoredLog> load() override {
    StoredLog stored{.hard_state = hard_state_,
                     .membership = membership,
                     .last_index = entries_.size(),
                     .term_starts = {}};
    for (const Entry& entry : entries_) {
      const bool starts = stored.term_starts.empty() || stored.term_starts.back().term != entry.term;
      if (starts) stored.term_starts.push_back(entry.position());
      if (entry.kind == EntryKind::membership)
        stored.memberships.emplace_back(entry.index, parse_membership(*entry.payload).value());
    }
    return stored;
  }
  Result<void> write(const LogWrite& change) override {
    if (change.hard_state) hard_state_ = *change.hard_state;
    if (change.truncate_from) entries_.resize(*change.truncate_from - 1);
    entries_.insert(entries_.end(), change.append.begin(), change.append.end());
    return {};
  }
  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) override {
    std::vector<Entry> entries;
    std::size_t bytes = 0;
    for (Index index = first; index <= last; ++index) {
      bytes += entries_.at(index - 1).bytes();
      if (!entries.empty() && bytes > max_bytes) break;
      entries.push_back(entries_.at(index - 1));
    }
    return entries;
  }
  Result<void> compact(Position, const Membership&) override { return {}; }
  Result<void> install(Position, const Membership&) override { return {}; }
  std::uint64_t bytes() override { return 0; }

  Membership membership;

 private:
  HardState hard_state_;
  std::vector<Entry> entries_;
};

}  // namespace quorate
