// What data nodes and witnesses have in common: a node as the coordinator of its process sees it, and what it tells the
// coordinator.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "core/cluster_config.hpp"
#include "core/commit_queue.hpp"
#include "core/consensus/driver.hpp"

namespace quorate {

// Members may be called from any thread and return at once.
class Participant {
 public:
  virtual ~Participant() = default;
  virtual const NodeId& id() const = 0;
  virtual Leadership leadership() const = 0;
  // Whether what is sent to that node now may arrive.
  virtual bool reaches(const NodeId& node) const = 0;
  // Sends a call to another node; its answer comes through NodeObserver::on_reply, or never.
  virtual void send_call(const NodeId& to, Call call) = 0;
  // Up to here the log is known to be decided, and applied where there is something to apply to.
  virtual Index applied_index() const = 0;
  // The leader is known, and what it is known to have committed is nearly all here.
  virtual bool has_caught_up() const = 0;
  // The cluster as this node knows it.
  virtual ClusterStatus status() const = 0;
};

// A call of another process that has been answered.
struct ServedCall {
  const NodeId& from;
  const RequestContext& context;
  std::string_view what;  // "write", "query", ...
  const Error* error;     // null: it was done
};

// Called on threads of the node; must not block.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  // Submissions that surely were not applied here and may be tried on the leader.
  virtual void on_returned(std::vector<Submission> submissions) = 0;
  // The node has stopped taking part for good; state tells why. It may be closed and opened again, but not from inside
  // this call: at once if installing (a snapshot lies ready), with DbNode::Options::repair if quarantined, not if removed.
  virtual void on_down(const NodeId& id, NodeState state, Error why) = 0;
  // Another process asks for a change of the membership, whoever leads: to be passed on.
  virtual void on_member_call(MemberCall change, std::int64_t deadline_us,
                              std::move_only_function<void(Result<CallAnswer>)> done) = 0;
  // The answer to a call that was sent through send_call().
  virtual void on_reply(CallReply reply) = 0;
  // On any thread.
  virtual void on_call_served(const ServedCall&) {}
  // What this node sent to that one may not have arrived, nor its answers.
  virtual void on_unreachable(const NodeId& node) = 0;
};

// What answers that come late need: a call may outlive the node that received it.
struct Outbox {
  Transport& transport;
  NodeObserver& observer;
  NodeId id;
  Instance instance;
  std::atomic<bool> open = true;  // false: nothing is sent any more
};

// Answers a call from another node, on any thread, at any time, and tells the observer.
std::move_only_function<void(Result<CallAnswer>)> replier(std::shared_ptr<Outbox> outbox, NodeId to,
                                                          const Call& call);

// How a node takes part in consensus, as far as the configuration says it.
RaftConfig raft_config(const NodeId& id, Instance instance, const Timing& timing, const CoreLimits& limits,
                       std::optional<Rule> broken);

// A member's status as far as the membership says it.
NodeStatus status_of(const Member& member, const NodeId& leader);

}  // namespace quorate
