// What the cluster answers: to writes, to reads, to questions about itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/consistency_mode.hpp"
#include "core/engine.hpp"
#include "core/query.hpp"
#include "core/transaction.hpp"

namespace quorate {

// The answer to a write that is decided and applied.
struct WriteReceipt {
  std::string transaction_id;
  std::uint64_t index = 0;  // of its log entry: the causal token for min_index
  std::uint64_t term = 0;
  ConsistencyMode mode = ConsistencyMode::quorum;  // under which it was decided
  TransactionResult result;
  std::vector<std::string>
      committed;  // nodes known to have it in their log and, in dual_write, to have committed it
  std::vector<std::string> pending;  // data nodes not known to have it yet; they catch up
};

// What became of the transaction that was sent with a key.
struct KeyState {
  // committed: `receipt` is its outcome. aborted: the leader refused it for the reason `refusal`, and nothing was written.
  // in_doubt: it is being decided. unknown: no such key; nothing was written, or so long ago that it is forgotten.
  enum class State : std::uint8_t { unknown, in_doubt, committed, aborted };
  State state = State::unknown;
  std::optional<WriteReceipt> receipt = {};
  std::optional<Error> refusal = {};
};

struct QueryAnswer {
  QueryResult result;
  std::string node;  // whose content was read
};

struct NodeStatus {
  std::string id;
  std::string role;  // "master" (the leader), "backup", "witness", "learner"
  bool preferred_master = false;
  // "running", "starting", "catching_up", "repairing" (its content is not trusted; it fetches another), "installing" (a
  // snapshot), "failed", "quarantined", "removed", "stopped", "unreachable", "unknown" (to a node that does not lead)
  std::string state;
  std::string detail;    // why, when it is not running
  std::string url;       // where its process serves clients; empty: not known
  std::string peer;      // HOST:PORT of its peer port; empty in an embedded cluster
  std::string instance;  // which life of this id, 16 hexadecimal digits
  bool out = false;      // dual_write goes on without it
  std::string engine;
  std::uint64_t match_index = 0;  // the leader's knowledge of its log
  std::uint64_t applied_index = 0;
  std::uint64_t lag = 0;  // committed entries it has not applied
  std::string digest;
  std::optional<std::int64_t> last_contact_ms =
      {};  // since the leader heard from it; none for the leader itself
};

struct ClusterStatus {
  std::string cluster_id;
  ConsistencyMode mode = ConsistencyMode::quorum;
  std::uint64_t term = 0;
  std::uint64_t commit_index = 0;
  std::string leader;  // node id, empty when none is known
  std::string source;  // whose view this is: the leader's, or this node's own while no leader is known
  std::vector<NodeStatus> nodes;
};

struct VerifyReport {
  struct Node {
    std::string id;
    std::optional<Error> error = {};  // why it could not be compared
    Digest chain;                     // the chained digest of all transactions
    ContentDigest content;
  };
  std::uint64_t index = 0;               // at which all nodes were read
  bool equal = false;                    // every data node answered and all content is equal
  std::vector<std::string> differences;  // "table t: n3 differs from n1", one sentence each
  std::vector<Node> nodes;
};

}  // namespace quorate
