// How requests find their way: to the leader, if it is a node of this process, else to the one in another process, again
// and again until somebody answers or the deadline passes. Private to MultiDbCoordinator.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "core/coordinator.hpp"
#include "core/db_node.hpp"
#include "core/executor.hpp"
#include "core/sure_callback.hpp"

namespace quorate {

// Shared with the callbacks under way, so that one that comes late finds it alive. Any thread.
struct MultiDbCoordinator::Routing : NodeObserver, std::enable_shared_from_this<Routing> {
  explicit Routing(Options given) : options(std::move(given)) {}

  struct Slot {
    Participant* node = nullptr;  // null: down
    DbNode* data = nullptr;       // the same, if it is a data node
    std::string state = "stopped";
    std::string detail;
  };

  // What only the leader can do, and may be asked for twice.
  struct Request {
    CallBody body;
    std::int64_t deadline_us = 0;
    std::int64_t leaderless_since_us = 0;  // as Submission's
    bool in_doubt = false;                 // likewise
    DbNode::Answer done;
    RequestContext context = {};
  };

  struct PendingQuery {
    bool is_stream() const { return done.index() == 1; }
    void run_on(DbNode& node);
    void refuse(Error error);

    Query query;
    ReadConsistency consistency;
    Index min_index;
    std::int64_t deadline_us;
    std::variant<SureCallback<QueryAnswer>, SureCallback<std::unique_ptr<QueryStream>>> done;
    std::string node;
    RequestContext context = {};
  };

  // Sent to the leader of `term`, mostly in another process, and not answered.
  struct Sent {
    std::variant<Submission, Request> what;
    NodeId to;
    Term term = 0;
  };

  // --- writes ---
  void submit(Submission submission);  // counts it until it is answered
  void route(Submission submission);
  bool forward(Submission& submission);
  void on_write_reply(Submission submission, Result<CallAnswer> answer);

  // --- what else the leader does ---
  void ask(Request request);
  bool forward(Request& request);
  void on_answer(Request request, Result<CallAnswer> answer);

  // --- reads ---
  void read(PendingQuery pending);
  void read_unless_late(PendingQuery pending);
  void read_on_node(PendingQuery pending);
  void read_on_leader(PendingQuery pending);

  // --- NodeObserver ---
  void on_returned(std::vector<Submission> submissions) override;
  void on_down(const NodeId& id, NodeState state, Error why) override;
  void on_member_call(MemberCall change, std::int64_t deadline_us, DbNode::Answer done) override;
  void on_reply(CallReply reply) override;
  void on_unreachable(const NodeId& node) override;
  void on_call_served(const ServedCall& call) override {
    if (options.on_call_served) options.on_call_served(call);
  }

  // --- what is known ---
  template <typename Use>
  bool with_own_leader(Use use);  // calls `use` with the leader, if it is attached; only good inside the call
  template <typename Use>
  bool with_own_node(const std::string& wanted,
                     Use use);  // the named node, or any that serves, a leader first
  std::optional<std::pair<NodeId, Term>> remote_leader();
  bool has_waited_in_vain(std::int64_t& since_us, std::int64_t deadline_us);
  std::uint64_t applied_index() const;
  ClusterStatus own_status() const;
  ConsistencyMode known_mode() const;
  void tell_of_own_nodes(ClusterStatus& status) const;

  void later(Task task);
  std::uint64_t remember(Sent sent);
  void send(Sent sent, CallBody body, std::int64_t deadline_us);
  void sweep_sent();
  void try_again(Sent sent);
  void finish_one();

  Options options;
  mutable std::shared_mutex slots_mutex;  // held shared while a node is called, so that detach() waits for it
  std::map<NodeId, Slot> slots;           // guarded by slots_mutex

  std::mutex sent_mutex;
  std::map<std::uint64_t, Sent> sent_calls;  // guarded by sent_mutex
  bool sweeping = false;                     // guarded by sent_mutex

  std::atomic<std::uint64_t> decided = 0;  // CoreCounts
  std::array<std::atomic<std::uint64_t>, kErrorCodes> refused = {};

  std::atomic<bool> draining = false;
  std::atomic<std::size_t> outstanding = 0;  // writes accepted and not answered
  std::mutex drained_mutex;
  std::condition_variable drained;
};

template <typename Use>
bool MultiDbCoordinator::Routing::with_own_leader(Use use) {
  const std::shared_lock lock(slots_mutex);
  for (auto& [id, slot] : slots) {
    if (slot.data == nullptr || !slot.data->leads()) continue;
    use(*slot.data);
    return true;
  }
  return false;
}

template <typename Use>
bool MultiDbCoordinator::Routing::with_own_node(const std::string& wanted, Use use) {
  if (wanted.empty() && with_own_leader(use)) return true;
  const std::shared_lock lock(slots_mutex);
  for (auto& [id, slot] : slots) {
    if (slot.data == nullptr || !slot.data->serves() || (!wanted.empty() && wanted != id)) continue;
    use(*slot.data);
    return true;
  }
  return false;
}

}  // namespace quorate
