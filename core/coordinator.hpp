// MultiDbCoordinator: the one door through which clients write to, read from and look at the cluster.
//
// Threads. Every member may be called from any thread and returns at once. Each callback is called exactly once, on a
// thread of the core, and must not block: hand the result on to where it is needed. Deadlines are absolute; at the
// deadline the callback is called at the latest (plus scheduling). The context of a request goes along to other processes
// that take part in answering it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/answers.hpp"
#include "core/cluster_config.hpp"
#include "core/core_counts.hpp"
#include "core/transport.hpp"

namespace quorate {

class DbNode;
class Executor;
class QueryStream;
struct ServedCall;
class WitnessNode;

class MultiDbCoordinator {
 public:
  template <typename T>
  using Callback = std::move_only_function<void(Result<T>)>;

  struct Options {
    Executor& executor;  // for timers and routing; must outlive this object's last callback
    CoreLimits limits;
    // How long a request waits while no leader is known.
    std::chrono::milliseconds leader_wait = Timing{}.election_timeout;
    // A node of this process has stopped taking part (see NodeObserver::on_down). Called on its writer thread.
    std::function<void(const NodeId& id, NodeState state, const Error& why)> on_node_down = {};
    // A node of this process has answered a call of another process. Called on any thread; must not block.
    std::function<void(const ServedCall& call)> on_call_served = {};
  };
  explicit MultiDbCoordinator(Options options);
  ~MultiDbCoordinator();
  MultiDbCoordinator(const MultiDbCoordinator&) = delete;

  // Decides one transaction, all or nothing. Its id may be empty: one is given. Errors: every code that concerns a
  // write, with its outcome.
  void write(Transaction transaction, Deadline deadline, Callback<WriteReceipt> done,
             RequestContext context = {});

  // What became of the transaction that was sent with this key, as the leader knows it. Linearizable.
  void find_key(std::string key, Deadline deadline, Callback<KeyState> done, RequestContext context = {});

  // Reads with the given consistency; with min_index, not before that index is applied on the node read.
  // `node` names the node to read locally; empty: any that is running, the leader preferred.
  void query(Query query, ReadConsistency consistency, std::uint64_t min_index, Deadline deadline,
             Callback<QueryAnswer> done, std::string node = {}, RequestContext context = {});

  // The same on the calling thread, for at most DbNode::kAtOnce: a query of this process's own nodes (`local`, or `leader`
  // if one of them leads) for which nothing needs to be waited for, and such as were short lately. Nothing: it is not one,
  // or took longer; ask query(), `query` is as it was.
  std::optional<Result<QueryAnswer>> query_at_once(Query& query, ReadConsistency consistency,
                                                   std::uint64_t min_index, const std::string& node = {});

  // The same as query() for a result that is read piece by piece, from a data node of this process; `leader` is served as
  // linearizable, which is stronger. The deadline holds until the first piece. Errors also: node_unavailable, at once, if
  // no such node serves; overloaded.
  void open_stream(Query query, ReadConsistency consistency, std::uint64_t min_index, Deadline deadline,
                   Callback<std::unique_ptr<QueryStream>> done, std::string node = {},
                   RequestContext context = {});

  // Switches the cluster's mode through the log; answers with the index from which it holds.
  void set_mode(ConsistencyMode mode, Deadline deadline, Callback<std::uint64_t> done,
                RequestContext context = {});

  // Compares the content of all data nodes at one index. Reads everything; writes go on.
  void verify(Deadline deadline, Callback<VerifyReport> done, RequestContext context = {});

  // As the leader sees it; as this process does, if no leader answers before the deadline.
  void status(Deadline deadline, Callback<ClusterStatus> done, RequestContext context = {});

  // As this process knows it, at once.
  ClusterStatus known_status() const;
  ConsistencyMode known_mode() const;  // quorum if none of the nodes here is a data node

  // Hands leadership to this node. Writes go on. Errors: not_found, malformed_request (it cannot lead), node_unavailable.
  void transfer_leadership(NodeId to, Deadline deadline, Callback<std::uint64_t> done,
                           RequestContext context = {});

  // Lets a node join, as a learner that is promoted by itself once it has caught up, or takes one out. Answers with the
  // index from which it holds. Errors: not_found, identity_mismatch (the id is in use), malformed_request.
  void change_member(MemberCall change, Deadline deadline, Callback<std::uint64_t> done,
                     RequestContext context = {});

  // What became of the writes that this process was asked for, and how its nodes are. Cheap.
  CoreCounts counts() const;

  // Copies the content of a node of this process, as it is, into a new file; answers with the position that it has. Error:
  // node_unavailable, if no node here has content that may be read.
  void backup(std::filesystem::path target, Callback<Position> done);

  // Sends a piece of a database file to all nodes, or its end, which makes it their content: see RestoreRecord. Errors:
  // malformed_request (no database), node_unavailable (pieces are missing).
  void restore(RestoreRecord record, Deadline deadline, Callback<std::uint64_t> done,
               RequestContext context = {});

  // The highest index applied on any node of this process. Cheap.
  std::uint64_t applied_index() const;

  // Whether a leader is known and a node of this process has caught up with it. Errors, which say of each node what it
  // lacks: no_leader, node_unavailable (all are down or catching up), shutting_down.
  Result<void> check_ready() const;

  const CoreLimits& limits() const;

  // Refuses new writes with shutting_down, and waits until those accepted are answered or the deadline passes.
  // Blocks. Returns false if some were left.
  bool drain(Deadline deadline);

  // What the observer of every node attached here must be.
  class NodeObserver& observer();

  // Nodes of this process come and go. An attached node must stay valid until detach() has returned. One that is down is
  // shown in this state.
  void attach(DbNode& node);
  void attach(WitnessNode& node);
  void detach(const std::string& id, std::string state, std::string detail);
  // Likewise, but the node is no concern of this process any more.
  void detach(const std::string& id);

 private:
  struct Routing;
  std::shared_ptr<Routing> impl_;
};

}  // namespace quorate
