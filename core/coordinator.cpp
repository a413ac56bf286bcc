#include "core/coordinator.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <shared_mutex>
#include <utility>

#include "core/db_node.hpp"
#include "core/executor.hpp"

namespace quorate {
namespace {

// How often what waits for a leader looks again.
constexpr std::int64_t kRetryUs = 5'000;

Error no_leader() {
  return {.code = ErrorCode::no_leader,
          .message = "No leader was known before the deadline: a majority of the nodes is not reachable."};
}

std::string make_id(Executor& executor) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx",
                static_cast<unsigned long long>(executor.random()),
                static_cast<unsigned long long>(executor.random()));
  return text.data();
}

}  // namespace

// Shared with the callbacks under way, so that one that comes late finds it alive.
struct MultiDbCoordinator::Impl : NodeObserver, std::enable_shared_from_this<Impl> {
  struct Slot {
    DbNode* node = nullptr;  // null: down
    std::string state = "stopped";
    std::string detail;
  };

  explicit Impl(Options given) : options(std::move(given)) {
    for (const std::string& id : options.nodes) slots[id];
  }

  Options options;
  mutable std::shared_mutex slots_mutex;  // held shared while a node is called, so that detach() waits for it
  std::map<std::string, Slot> slots;      // guarded by slots_mutex

  std::atomic<bool> draining = false;
  std::atomic<std::size_t> outstanding = 0;  // writes accepted and not answered
  std::mutex drained_mutex;
  std::condition_variable drained;

  // Calls `use` with the leader, if one is attached; false if there is none. The node is only good inside the call.
  template <typename Use>
  bool with_leader(Use use) {
    const std::shared_lock lock(slots_mutex);
    for (auto& [id, slot] : slots) {
      if (slot.node == nullptr || !slot.node->leads()) continue;
      use(*slot.node);
      return true;
    }
    return false;
  }

  // Calls `use` with the named node, or with any that runs, a leader first; false if there is none.
  template <typename Use>
  bool with_node(const std::string& wanted, Use use) {
    if (wanted.empty() && with_leader(use)) return true;
    const std::shared_lock lock(slots_mutex);
    for (auto& [id, slot] : slots) {
      if (slot.node == nullptr || (!wanted.empty() && wanted != id)) continue;
      use(*slot.node);
      return true;
    }
    return false;
  }

  void later(Task task) { options.executor.post_at(options.executor.now_us() + kRetryUs, std::move(task)); }

  // Hands the submission to the leader, as soon as there is one.
  void route(Submission submission) {
    if (with_leader([&](DbNode& leader) { leader.submit(std::move(submission)); })) return;
    if (options.executor.now_us() >= submission.deadline_us)
      return submission.done(std::unexpected(no_leader()));
    later([self = shared_from_this(), submission = std::move(submission)]() mutable {
      self->route(std::move(submission));
    });
  }

  void submit(Submission submission) {
    if (draining) return submission.done(fail(ErrorCode::shutting_down, "The server is stopping."));
    if (outstanding.fetch_add(1) >= options.limits.queue_transactions) {
      finish_one();
      return submission.done(
          fail(ErrorCode::overloaded, "Too many writes are waiting. Try again a little later."));
    }
    submission.done = [self = shared_from_this(),
                       done = std::move(submission.done)](Result<WriteReceipt> r) mutable {
      done(std::move(r));
      self->finish_one();
    };
    route(std::move(submission));
  }

  void finish_one() {
    if (outstanding.fetch_sub(1) != 1 || !draining) return;
    const std::lock_guard lock(drained_mutex);
    drained.notify_all();
  }

  // --- NodeObserver ---
  void on_returned(std::vector<Submission> submissions) override {
    for (Submission& submission : submissions) {
      if (submission.kind == EntryKind::barrier) {  // belongs to the node that asked
        submission.done(fail(ErrorCode::leadership_lost, "The leader changed."));
        continue;
      }
      later([self = shared_from_this(), submission = std::move(submission)]() mutable {
        self->route(std::move(submission));
      });
    }
  }
  void on_down(const NodeId& id, Error why) override {
    if (options.on_node_down) options.on_node_down(id, why);
  }

  struct PendingQuery {
    Query query;
    ReadConsistency consistency;
    Index min_index;
    std::int64_t deadline_us;
    Callback<QueryAnswer> done;
    std::string node;
  };

  void retry(PendingQuery pending) {
    if (options.executor.now_us() >= pending.deadline_us) return pending.done(std::unexpected(no_leader()));
    later([self = shared_from_this(), pending = std::move(pending)]() mutable {
      self->read(std::move(pending));
    });
  }

  void read(PendingQuery pending) {
    if (pending.consistency != ReadConsistency::linearizable) return read_on_node(std::move(pending));
    auto shared = std::make_shared<PendingQuery>(std::move(pending));
    const bool asked = with_leader([&](DbNode& leader) {
      leader.read_index([self = shared_from_this(), shared](std::optional<Index> index) {
        if (!index) return self->retry(std::move(*shared));
        shared->min_index = std::max(shared->min_index, *index);
        self->read_on_node(std::move(*shared));
      });
    });
    if (!asked) retry(std::move(*shared));
  }

  void read_on_node(PendingQuery pending) {
    const auto ask = [&](DbNode& node) {
      node.query(std::move(pending.query), pending.min_index, pending.deadline_us, std::move(pending.done));
    };
    const bool needs_leader = pending.consistency == ReadConsistency::leader;
    if (needs_leader ? with_leader(ask) : with_node(pending.node, ask)) return;
    if (!needs_leader && !pending.node.empty()) {
      return pending.done(
          fail(ErrorCode::node_unavailable, "Node " + pending.node + " is not running in this process."));
    }
    retry(std::move(pending));
  }

  void verify(std::int64_t deadline_us, Callback<VerifyReport> done) {
    if (with_leader([&](DbNode& leader) { leader.verify(deadline_us, std::move(done)); })) return;
    if (options.executor.now_us() >= deadline_us) return done(std::unexpected(no_leader()));
    later([self = shared_from_this(), deadline_us, done = std::move(done)]() mutable {
      self->verify(deadline_us, std::move(done));
    });
  }
};

MultiDbCoordinator::MultiDbCoordinator(Options options) : impl_(std::make_shared<Impl>(std::move(options))) {}
MultiDbCoordinator::~MultiDbCoordinator() = default;

NodeObserver& MultiDbCoordinator::observer() {
  return *impl_;
}
const CoreLimits& MultiDbCoordinator::limits() const {
  return impl_->options.limits;
}

void MultiDbCoordinator::write(Transaction transaction, Deadline deadline, Callback<WriteReceipt> done) {
  if (transaction.id.empty()) transaction.id = make_id(impl_->options.executor);
  const std::size_t bytes = size_of(transaction);
  impl_->submit({.kind = EntryKind::batch,
                 .transaction = std::move(transaction),
                 .bytes = bytes,
                 .deadline_us = to_us(deadline),
                 .done = std::move(done)});
}

void MultiDbCoordinator::query(Query query, ReadConsistency consistency, std::uint64_t min_index,
                               Deadline deadline, Callback<QueryAnswer> done, std::string node) {
  impl_->read({.query = std::move(query),
               .consistency = consistency,
               .min_index = min_index,
               .deadline_us = to_us(deadline),
               .done = std::move(done),
               .node = std::move(node)});
}

void MultiDbCoordinator::set_mode(ConsistencyMode mode, Deadline deadline, Callback<std::uint64_t> done) {
  impl_->submit({.kind = EntryKind::mode,
                 .payload = std::make_shared<const std::string>(encode_mode(mode)),
                 .deadline_us = to_us(deadline),
                 .done = [done = std::move(done)](Result<WriteReceipt> receipt) mutable {
                   if (!receipt) return done(std::unexpected(receipt.error()));
                   done(receipt->index);
                 }});
}

void MultiDbCoordinator::verify(Deadline deadline, Callback<VerifyReport> done) {
  impl_->verify(to_us(deadline), std::move(done));
}

std::uint64_t MultiDbCoordinator::applied_index() const {
  std::uint64_t index = 0;
  const std::shared_lock lock(impl_->slots_mutex);
  for (const auto& [id, slot] : impl_->slots) {
    if (slot.node != nullptr) index = std::max(index, slot.node->applied_index());
  }
  return index;
}

bool MultiDbCoordinator::is_ready() const {
  bool caught_up = false;
  impl_->with_leader([&](DbNode& leader) {
    const DbNode::View view = leader.view();
    caught_up = view.applied.index >= view.leadership.term_start;
  });
  return caught_up && !impl_->draining;
}

bool MultiDbCoordinator::drain(Deadline deadline) {
  impl_->draining = true;
  std::unique_lock lock(impl_->drained_mutex);
  return impl_->drained.wait_until(lock, deadline, [this] { return impl_->outstanding == 0; });
}

void MultiDbCoordinator::attach(DbNode& node) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots[node.id()] = {.node = &node, .state = "running", .detail = {}};
}

void MultiDbCoordinator::detach(const std::string& id, std::string state, std::string detail) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots[id] = {.node = nullptr, .state = std::move(state), .detail = std::move(detail)};
}

ClusterStatus MultiDbCoordinator::status() const {
  std::map<std::string, DbNode::View> views;
  ClusterStatus status;
  std::map<std::string, Impl::Slot> slots;
  {
    const std::shared_lock lock(impl_->slots_mutex);
    slots = impl_->slots;
    for (const auto& [id, slot] : slots) {
      if (slot.node != nullptr) views[id] = slot.node->view();
    }
  }
  const DbNode::View* leader = nullptr;
  for (const auto& [id, view] : views) {
    status.cluster_id = view.cluster_id;
    status.commit_index = std::max(status.commit_index, view.commit);
    if (view.leadership.term > status.term) {
      status.term = view.leadership.term;
      status.leader.clear();
    }
    if (view.leadership.term == status.term && !view.leadership.leader.empty())
      status.leader = view.leadership.leader;
    if (leader == nullptr || view.applied > leader->applied) status.mode = view.mode;
    const bool leads = view.leadership.role == Role::leader && view.state == NodeState::running;
    if (leads && (leader == nullptr || view.leadership.term > leader->leadership.term)) leader = &view;
  }
  if (leader != nullptr) status.mode = leader->mode;
  if (leader == nullptr) status.leader.clear();
  for (const std::string& id : impl_->options.nodes) {
    NodeStatus node{.id = id, .role = id == status.leader ? "master" : "backup"};
    const auto found = views.find(id);
    if (found == views.end()) {
      node.state = slots[id].state;
      node.detail = slots[id].detail;
    } else {
      const DbNode::View& view = found->second;
      node.preferred_master = view.preferred_master;
      node.engine = view.engine_name;
      node.applied_index = view.applied.index;
      node.digest = to_string(view.digest);
      node.detail = view.detail;
      node.lag = status.commit_index - std::min(status.commit_index, view.applied.index);
      constexpr std::uint64_t kCatchingUpLag = 100;
      node.state = view.state == NodeState::failed        ? "failed"
                   : view.state == NodeState::quarantined ? "quarantined"
                   : node.lag > kCatchingUpLag            ? "catching_up"
                                                          : "running";
    }
    if (leader != nullptr && id == status.leader) node.match_index = leader->commit;
    if (leader != nullptr && leader->peers.contains(id)) {
      node.match_index = leader->peers.at(id).match;
      node.last_contact_ms = (leader->now - leader->peers.at(id).last_contact) / 1000;
    }
    status.nodes.push_back(std::move(node));
  }
  return status;
}

}  // namespace quorate
