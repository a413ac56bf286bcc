// MultiDbCoordinator: the one door through which clients write to, read from and look at the cluster.
//
// Threads. Every member may be called from any thread and returns at once. Each callback is called exactly once, on a
// thread of the core, and must not block: hand the result on to where it is needed. Deadlines are absolute; at the
// deadline the callback is called at the latest (plus scheduling).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cluster_config.hpp"
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

struct QueryAnswer {
  QueryResult result;
  std::string node;  // whose content was read
};

struct NodeStatus {
  std::string id;
  std::string role;  // "master" (the leader), "backup", later "witness", "learner"
  bool preferred_master = false;
  std::string state;   // "running", "catching_up", "failed", "quarantined", "stopped"
  std::string detail;  // why, when it is not running
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

class DbNode;
class Executor;

class MultiDbCoordinator {
 public:
  template <typename T>
  using Callback = std::move_only_function<void(Result<T>)>;

  struct Options {
    Executor& executor;              // for timers and routing; must outlive this object's last callback
    std::vector<std::string> nodes;  // ids of all data nodes, in the order they are shown
    CoreLimits limits;
    // A node has stopped taking part (see NodeObserver::on_down). Called on that node's writer thread.
    std::function<void(const std::string& id, const Error& why)> on_node_down = {};
  };
  explicit MultiDbCoordinator(Options options);
  ~MultiDbCoordinator();
  MultiDbCoordinator(const MultiDbCoordinator&) = delete;

  // Decides one transaction, all or nothing. Its id may be empty: one is given. Errors: every code that concerns a
  // write, with its outcome.
  void write(Transaction transaction, Deadline deadline, Callback<WriteReceipt> done);

  // Reads with the given consistency; with min_index, not before that index is applied on the node read.
  // `node` names the node to read locally; empty: any that is running, the leader preferred.
  void query(Query query, ReadConsistency consistency, std::uint64_t min_index, Deadline deadline,
             Callback<QueryAnswer> done, std::string node = {});

  // Switches the cluster's mode through the log; answers with the index from which it holds.
  void set_mode(ConsistencyMode mode, Deadline deadline, Callback<std::uint64_t> done);

  // Compares the content of all data nodes at one index. Reads everything; writes go on.
  void verify(Deadline deadline, Callback<VerifyReport> done);

  ClusterStatus status() const;

  // The highest index applied on any node of this process. Cheap.
  std::uint64_t applied_index() const;

  // True once a leader is known and this process has caught up with it.
  bool is_ready() const;

  const CoreLimits& limits() const;

  // Refuses new writes with shutting_down, and waits until those accepted are answered or the deadline passes.
  // Blocks. Returns false if some were left.
  bool drain(Deadline deadline);

  // What DbNode::Options::observer of every node attached here must be.
  class NodeObserver& observer();

  // Nodes of this process come and go. An attached node must stay valid until detach() has returned.
  void attach(DbNode& node);
  void detach(const std::string& id, std::string state, std::string detail);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate
