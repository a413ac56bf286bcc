// What nodes say to each other, and the interface of whatever carries it: the in-memory transport between nodes of one
// process, the peer port between processes, the simulator's network in tests.
#pragma once

#include "core/consensus/types.hpp"

namespace quorate {

// Names one batch from its preparation to its decision.
struct BatchId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const BatchId&) const = default;
};

// DualWrite, leader to every data node: prepare this on top of `base` and hold it.
struct PrepareRequest {
  Term term = 0;
  Index base = 0;  // the applied index that the leader prepared on
  BatchId batch;
  std::shared_ptr<const std::string> payload;  // as it will stand in the log
};

struct PrepareReply {
  Term term = 0;
  BatchId batch;
  std::optional<Error> refusal;          // why it is not held
  Digest digest;                         // as computed here
  std::vector<std::int64_t> row_counts;  // of every statement of the batch
};

// DualWrite: give the held batch up. Losing this message costs time, not safety.
struct ReleaseBatch {
  BatchId batch;
};

// A node's progress, told to the leader.
struct AppliedReport {
  Position applied;
  Index durable = 0;  // up to here the database survives a power cut without the log
  Digest digest;
};

// Leader to all: every member's database is durable up to here, the log before it is not needed.
struct CompactBelow {
  Index index = 0;
};

// The content at a barrier entry, told to the node that asked for it.
struct ContentReport {
  std::uint64_t token = 0;
  Index index = 0;
  Digest chain;
  Result<ContentDigest> content;
};

using MessageBody = std::variant<RaftBody, PrepareRequest, PrepareReply, ReleaseBatch, AppliedReport,
                                 CompactBelow, ContentReport>;

struct Message {
  NodeId from;
  NodeId to;
  MessageBody body;
};

class MessageReceiver {
 public:
  virtual ~MessageReceiver() = default;
  // Called from any thread; must not block.
  virtual void receive(Message message) = 0;
};

// Messages may be lost, delayed, duplicated or reordered; none is altered. Never blocks. Any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(Message message) = 0;
  // False when the node is known to be unreachable now (not attached, connection closed): waiting for it is in vain.
  virtual bool is_reachable(const NodeId& node) const = 0;
};

}  // namespace quorate
