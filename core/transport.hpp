// What nodes say to each other, and the interface of whatever carries it: the in-memory transport between nodes of one
// process, the peer port between processes, the simulator's network in tests.
#pragma once

#include "core/answers.hpp"
#include "core/consensus/types.hpp"
#include "core/request_context.hpp"

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

// running: applies and serves. repairing: its content is not trusted, or not there yet, and is being fetched; it votes, but
// neither applies nor serves, and leads only to hand over. The others have ended for good, until the node is opened again.
enum class NodeState : std::uint8_t { running, repairing, installing, failed, quarantined, removed };

// A node's progress, told to the leader.
struct AppliedReport {
  Position applied;
  Index durable = 0;  // up to here the database survives a power cut without the log
  Digest digest;
  NodeState state = NodeState::running;
  std::string detail = {};   // why, when it is not running
  std::string engine = {};   // the engine's name
  std::string api_url = {};  // where its process serves clients; empty: the same as the leader's
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

// To a member that has not begun yet: it belongs to this cluster. Sent by any node that knows the receiver's instance to be
// a member's.
struct Begin {
  std::string cluster_id;
  ConsistencyMode mode = ConsistencyMode::quorum;
  Membership membership;
};

// --- snapshots: a node that needs one asks an up-to-date node for the pieces ---

// Asks for one piece. A name that is not the present snapshot's starts over: the answer names the present one.
struct SnapshotRequest {
  std::uint64_t token = 0;  // echoed: which fetch this belongs to
  std::string name;         // of the snapshot begun; empty: none yet
  Index at_least = 0;       // the position it must have reached
  std::uint64_t offset = 0;
  std::uint64_t max_bytes = 0;  // of the piece
  bool compressed = false;      // wanted so, where that makes it smaller
};

struct SnapshotPiece {
  std::uint64_t token = 0;
  std::optional<Error> refusal = {};  // there is no snapshot to be had here now
  std::string name;  // changes when the sender has made another; empty: not ready yet, ask again
  Position position = {};
  std::uint64_t total_bytes = 0;
  Digest digest = {};  // of the whole file
  std::uint64_t offset = 0;
  bool compressed = false;  // core/piece_compression.hpp
  std::string bytes;
};

// --- calls: what one node asks another to do for it, with an answer ---

// May be sent again under the same transaction id, also to another leader: it is decided once.
struct WriteCall {
  Transaction transaction;
  Index since = 0;  // commit index known before it was first sent: it cannot stand in the log before
};
struct ModeCall {
  ConsistencyMode mode = ConsistencyMode::quorum;
};
struct ReadIndexCall {};
struct QueryCall {
  Query query;  // its deadline does not travel: Call::timeout_us does
  Index min_index = 0;
};
// What became of the transaction with this key.
struct OutcomeCall {
  std::string key;
};
struct VerifyCall {};
struct StatusCall {};
struct TransferCall {
  NodeId to;
};
// Adds a member or changes one; with `remove`, takes it out.
struct MemberCall {
  Member member;
  bool remove = false;
};
struct RestoreEnd {
  Digest token;  // unique: the restore may be asked for again under it, and happens once
  std::uint64_t total_bytes = 0;
  Digest digest;  // of the file
};
// A piece of a database file that is to become every node's content; or, with `end` and without bytes, the end of the file,
// which makes it so. The pieces come in order; one at offset 0 begins another file.
struct RestoreRecord {
  std::uint64_t offset = 0;
  std::string bytes;
  std::optional<RestoreEnd> end = {};
};
struct RestoreCall {
  RestoreRecord record;
};
using CallBody = std::variant<WriteCall, ModeCall, ReadIndexCall, QueryCall, VerifyCall, StatusCall,
                              TransferCall, MemberCall, OutcomeCall, RestoreCall>;

struct Call {
  std::uint64_t id = 0;         // unique for its sender; echoed
  Term term = 0;                // the receiver must lead in exactly this term; 0: need not lead
  std::int64_t timeout_us = 0;  // what was left when it was sent
  CallBody body;
  RequestContext context = {};  // of the client's request that it is made for; empty: of none
};

// Answer to ReadIndexCall, ModeCall, MemberCall, TransferCall and RestoreCall: the index from which it holds.
struct IndexAnswer {
  Index index = 0;
};
using CallAnswer =
    std::variant<IndexAnswer, WriteReceipt, QueryAnswer, VerifyReport, ClusterStatus, KeyState>;

struct CallReply {
  std::uint64_t id = 0;
  Result<CallAnswer> answer;
};

using MessageBody =
    std::variant<RaftBody, PrepareRequest, PrepareReply, ReleaseBatch, AppliedReport, CompactBelow,
                 ContentReport, Begin, SnapshotRequest, SnapshotPiece, Call, CallReply>;

struct Message {
  NodeId from;
  NodeId to;
  MessageBody body;
  Instance instance = 0;  // of the sender
};

class MessageReceiver {
 public:
  virtual ~MessageReceiver() = default;
  // Called from any thread; must not block.
  virtual void receive(Message message) = 0;
  // The connection to this node was closed or refused: its process is most likely gone. What was sent to it and not
  // answered may or may not have arrived. Called from any thread; must not block.
  virtual void on_unreachable(const NodeId& node) = 0;
};

// Messages may be lost, delayed, duplicated or reordered; none is altered. Never blocks. Any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(Message message) = 0;
  // False when the node is known to be unreachable now (not attached, connection closed): waiting for it is in vain.
  virtual bool is_reachable(const NodeId& node) const = 0;
};

// A transport that nodes of this process are attached to.
class LocalTransport : public Transport {
 public:
  // `receiver` must stay valid until detach() has returned.
  virtual void attach(const NodeId& node, MessageReceiver& receiver) = 0;
  virtual void detach(const NodeId& node) = 0;
};

}  // namespace quorate
