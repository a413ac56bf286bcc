// The vocabulary of consensus: Raft (Ongaro, Ousterhout: "In Search of an Understandable Consensus Algorithm", and
// Ongaro's thesis "Consensus: Bridging Theory and Practice").
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/engine.hpp"
#include "core/membership.hpp"

namespace quorate {

using Index = std::uint64_t;
using Term = std::uint64_t;
using TimeUs = std::int64_t;  // a monotonic clock, microseconds

// Who is no further behind counts as caught up.
inline constexpr Index kCaughtUpLag = 1'000;

enum class EntryKind : std::uint8_t {
  noop = 0,        // opens a term (Raft §8)
  batch = 1,       // transactions: core/batch_codec.hpp
  mode = 2,        // a switch of the cluster's ConsistencyMode
  barrier = 3,     // changes nothing; marks an index at which all nodes are compared
  membership = 4,  // who takes part from here on: core/membership.hpp
  restore = 5,     // a piece of a file that is to become the content, or its end: core/batch_codec.hpp
};

struct Entry {
  Index index = 0;
  Term term = 0;
  EntryKind kind = EntryKind::noop;
  std::shared_ptr<const std::string>
      payload;  // never null; shared between log, messages and the applying thread

  std::size_t bytes() const { return payload->size() + 64; }
  Position position() const { return {.index = index, .term = term}; }
};

// What a participant must never forget (Raft figure 2, "persistent state").
struct HardState {
  Term term = 0;
  NodeId voted_for;  // in `term`; empty: nobody
  bool operator==(const HardState&) const = default;
};

// RequestVote, and its rehearsal that changes nothing (thesis §9.6, pre-vote).
struct VoteRequest {
  bool pre = false;
  bool transfer = false;   // at the leader's own wish (thesis §3.10): stickiness does not count
  Term term = 0;           // campaigned for; in a pre-vote the term after the sender's own
  Position last_log = {};  // of the candidate, durable before this leaves
};

struct VoteReply {
  bool pre = false;
  Term term = 0;          // the replier's true term
  Term request_term = 0;  // echoed
  bool granted = false;
};

// AppendEntries; with no entries it is a heartbeat.
struct AppendRequest {
  Term term = 0;
  Position previous = {};
  std::vector<Entry> entries = {};
  Index commit = 0;
  std::uint64_t round = 0;  // of leadership confirmation, for reads
};

struct AppendReply {
  Term term = 0;          // the replier's true term
  Term request_term = 0;  // echoed
  bool success = false;
  Index match = 0;     // success: durable here and equal to the leader's log up to this index
  Index rejected = 0;  // failure: previous.index of the request
  Position hint =
      {};  // failure: where the logs may agree (the last entry here whose term is not above previous.term)
  std::uint64_t round = 0;
};

// In place of AppendEntries, to a member whose next entries have been compacted away: it must fetch a snapshot at
// `base` or later. Also a heartbeat. Answered by AppendReply: success once the member has `base`, and failure until then.
struct SnapshotOffer {
  Term term = 0;
  Position base = {};
  Membership membership = {};  // as of base: all that a witness needs, which has no content
  std::uint64_t round = 0;
};

// Leadership transfer (thesis §3.10): the receiver, whose log is the leader's, campaigns at once.
struct TimeoutNow {
  Term term = 0;
};

using RaftBody = std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, SnapshotOffer, TimeoutNow>;

struct RaftMessage {
  NodeId from;
  NodeId to;
  RaftBody body;
  Instance instance = 0;  // of the sender
};

enum class Role { follower, pre_candidate, candidate, leader };

}  // namespace quorate
