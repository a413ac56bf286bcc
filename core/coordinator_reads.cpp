// Reads, and what the coordinator knows itself.
#include <algorithm>
#include <tuple>
#include <utility>

#include "core/coordinator_routing.hpp"

namespace quorate {
namespace {

Error nothing_to_read(const NodeId& node) {
  const std::string which = node.empty() ? "No node" : "Node " + node;
  return {.code = ErrorCode::node_unavailable,
          .message = which + " of this process has content to read at the moment.",
          .node = node};
}

}  // namespace

void MultiDbCoordinator::Routing::PendingQuery::run_on(DbNode& on) {
  if (is_stream())
    return on.open_stream(std::move(query), min_index, deadline_us, std::get<1>(std::move(done)));
  on.query(std::move(query), min_index, deadline_us, std::get<0>(std::move(done)));
}

void MultiDbCoordinator::Routing::PendingQuery::refuse(Error error) {
  std::visit([&](auto& callback) { callback(std::unexpected(std::move(error))); }, done);
}

void MultiDbCoordinator::Routing::read(PendingQuery pending) {
  if (pending.consistency == ReadConsistency::leader) return read_on_leader(std::move(pending));
  if (pending.consistency == ReadConsistency::local) return read_on_node(std::move(pending));
  auto shared = std::make_shared<PendingQuery>(std::move(pending));
  const auto go_on = [self = shared_from_this(), shared](Index index) {
    shared->min_index = std::max(shared->min_index, index);
    self->read_on_node(std::move(*shared));
  };
  const bool asked = with_own_leader([&](DbNode& leader) {
    leader.read_index([self = shared_from_this(), shared, go_on](std::optional<Index> index) {
      if (index) return go_on(*index);
      self->later([self, shared] { self->read_unless_late(std::move(*shared)); });
    });
  });
  if (asked) return;
  ask({.body = ReadIndexCall{},
       .deadline_us = shared->deadline_us,
       .done =
           [shared, go_on](Result<CallAnswer> answer) {
             if (!answer) return shared->refuse(std::move(answer.error()));
             go_on(std::get<IndexAnswer>(*answer).index);
           },
       .context = shared->context});
}

void MultiDbCoordinator::Routing::read_unless_late(PendingQuery pending) {
  if (options.executor.now_us() < pending.deadline_us) return read(std::move(pending));
  pending.refuse(
      {.code = ErrorCode::no_leader, .message = "No leader confirmed the read before the deadline."});
}

void MultiDbCoordinator::Routing::read_on_node(PendingQuery pending) {
  if (with_own_node(pending.node, [&](DbNode& node) { pending.run_on(node); })) return;
  if (pending.is_stream()) return pending.refuse(nothing_to_read(pending.node));
  // The index was confirmed by the leader, so that it may as well read itself.
  if (pending.consistency == ReadConsistency::linearizable) return read_on_leader(std::move(pending));
  // A node that has just begun may come as far as that in time.
  if (pending.min_index > 0 && options.executor.now_us() < pending.deadline_us) {
    auto shared = std::make_shared<PendingQuery>(std::move(pending));
    return later([self = shared_from_this(), shared] { self->read_on_node(std::move(*shared)); });
  }
  pending.refuse(nothing_to_read(pending.node));
}

void MultiDbCoordinator::Routing::read_on_leader(PendingQuery pending) {
  if (with_own_leader([&](DbNode& leader) { pending.run_on(leader); })) return;
  ask({.body = QueryCall{.query = std::move(pending.query), .min_index = pending.min_index},
       .deadline_us = pending.deadline_us,
       .done =
           [done = std::get<0>(std::move(pending.done))](Result<CallAnswer> answer) mutable {
             if (!answer) return done(std::unexpected(std::move(answer.error())));
             done(std::get<QueryAnswer>(std::move(*answer)));
           },
       .context = std::move(pending.context)});
}

std::uint64_t MultiDbCoordinator::Routing::applied_index() const {
  std::uint64_t index = 0;
  const std::shared_lock lock(slots_mutex);
  for (const auto& [id, slot] : slots) {
    if (slot.node != nullptr) index = std::max(index, slot.node->applied_index());
  }
  return index;
}

// As the data node knows it that has come furthest.
ConsistencyMode MultiDbCoordinator::Routing::known_mode() const {
  ConsistencyMode mode = ConsistencyMode::quorum;
  Index furthest = 0;
  const std::shared_lock lock(slots_mutex);
  for (const auto& [id, slot] : slots) {
    if (slot.data == nullptr || slot.data->applied_index() < furthest) continue;
    furthest = slot.data->applied_index();
    mode = slot.data->mode();
  }
  return mode;
}

// The leader's view, or that of the node that has come furthest.
ClusterStatus MultiDbCoordinator::Routing::own_status() const {
  ClusterStatus best;
  const auto rank = [](const ClusterStatus& status) {
    return std::tuple(!status.source.empty(), status.term, status.leader == status.source,
                      status.commit_index);
  };
  const std::shared_lock lock(slots_mutex);
  for (const auto& [id, slot] : slots) {
    if (slot.node == nullptr) continue;
    ClusterStatus status = slot.node->status();
    if (rank(status) > rank(best)) best = std::move(status);
  }
  return best;
}

// Of its own nodes this process knows more than the leader.
void MultiDbCoordinator::Routing::tell_of_own_nodes(ClusterStatus& status) const {
  const std::shared_lock lock(slots_mutex);
  for (const auto& [id, slot] : slots) {
    if (slot.node != nullptr) continue;
    const auto known = std::ranges::find(status.nodes, id, &NodeStatus::id);
    NodeStatus& node = known == status.nodes.end()
                           ? status.nodes.emplace_back(NodeStatus{.id = id, .role = "learner"})
                           : *known;
    node.state = slot.state;
    node.detail = slot.detail;
  }
}

}  // namespace quorate
