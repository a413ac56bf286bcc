// Where one participant keeps its log and its HardState.
//
// Threads: used by the consensus thread alone; blocks for the disk.
// Durability: when write() returns, what it was given is on stable storage, all of it or, after a crash, none of it.
// A failed write leaves the store unusable: the participant must stop (a disk that lied is not asked again).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/consensus/types.hpp"

namespace quorate {

// What is found on start.
struct StoredLog {
  Instance instance = 0;  // drawn when the store was created
  HardState hard_state;
  Position base;          // the last compacted entry; {0, 0} when nothing has been compacted
  Membership membership;  // as of base; a log without any belongs to no cluster yet
  Index last_index = 0;
  std::vector<Position> term_starts;  // after base: the first entry of each run of equal terms, ascending
  std::vector<std::pair<Index, Membership>>
      memberships;  // after base: what the log's own entries say, ascending

  bool has_begun() const { return !membership.members.empty() || !memberships.empty(); }
};

// One atomic, durable change: first truncate, then append.
struct LogWrite {
  std::optional<HardState> hard_state;
  std::optional<Index> truncate_from;  // removes this entry and all after it
  std::vector<Entry> append;           // contiguous, right after what is left
  bool empty() const { return !hard_state && !truncate_from && append.empty(); }
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // Errors: io_error, corrupt (a checksum does not match).
  virtual Result<StoredLog> load() = 0;

  virtual Result<void> write(const LogWrite& change) = 0;

  // Entries from `first` on, up to and including `last`, at least one, then as many as fit `max_bytes`.
  // Precondition: they were written and not compacted. Errors: io_error, corrupt.
  virtual Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) = 0;

  // Forgets all entries up to and including `base`, which becomes the new base, with the membership as of then. Need
  // not be durable, and must not take long: the entries may be removed bit by bit with later writes.
  virtual Result<void> compact(Position base, const Membership& membership) = 0;

  // About how much the retained entries take on the disk. Cheap.
  virtual std::uint64_t bytes() = 0;

  // Begins at `base`, the position of a snapshot, durably. If the log holds that very entry, what follows it is kept,
  // else everything is dropped (Raft §7). The HardState stays: what was promised is not forgotten.
  virtual Result<void> install(Position base, const Membership& membership) = 0;
};

}  // namespace quorate
