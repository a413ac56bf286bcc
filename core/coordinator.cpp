#include "core/coordinator.hpp"

#include <algorithm>
#include <utility>

#include "core/coordinator_routing.hpp"
#include "core/witness_node.hpp"

namespace quorate {
namespace {

// A status is shown as this process knows it if the leader does not tell soon.
constexpr std::int64_t kStatusWaitUs = 1'000'000;

std::string make_id(Executor& executor) {
  return to_string(Digest{.high = executor.random(), .low = executor.random()});
}

// Adapts a callback for an index to one for any answer.
auto answer_index(MultiDbCoordinator::Callback<std::uint64_t> done) {
  return [done = std::move(done)](Result<CallAnswer> answer) mutable {
    if (!answer) return done(std::unexpected(std::move(answer.error())));
    done(std::get<IndexAnswer>(*answer).index);
  };
}

}  // namespace

MultiDbCoordinator::MultiDbCoordinator(Options options)
    : impl_(std::make_shared<Routing>(std::move(options))) {}
MultiDbCoordinator::~MultiDbCoordinator() = default;

NodeObserver& MultiDbCoordinator::observer() {
  return *impl_;
}
const CoreLimits& MultiDbCoordinator::limits() const {
  return impl_->options.limits;
}

void MultiDbCoordinator::write(Transaction transaction, Deadline deadline, Callback<WriteReceipt> done,
                               RequestContext context) {
  if (transaction.id.empty()) transaction.id = make_id(impl_->options.executor);
  const std::size_t bytes = size_of(transaction);
  impl_->submit({.kind = EntryKind::batch,
                 .transaction = std::move(transaction),
                 .bytes = bytes,
                 .deadline_us = to_us(deadline),
                 .done = std::move(done),
                 .context = std::move(context)});
}

void MultiDbCoordinator::query(Query query, ReadConsistency consistency, std::uint64_t min_index,
                               Deadline deadline, Callback<QueryAnswer> done, std::string node,
                               RequestContext context) {
  impl_->read({.query = std::move(query),
               .consistency = consistency,
               .min_index = min_index,
               .deadline_us = to_us(deadline),
               .done = SureCallback(std::move(done)),
               .node = std::move(node),
               .context = std::move(context)});
}

std::optional<Result<QueryAnswer>> MultiDbCoordinator::query_at_once(Query& query,
                                                                     ReadConsistency consistency,
                                                                     std::uint64_t min_index,
                                                                     const std::string& node) {
  std::optional<Result<QueryAnswer>> answer;
  const auto ask = [&](DbNode& own) { answer = own.query_at_once(query, min_index); };
  if (consistency == ReadConsistency::local) impl_->with_own_node(node, ask);
  if (consistency == ReadConsistency::leader) impl_->with_own_leader(ask);
  return answer;
}

void MultiDbCoordinator::open_stream(Query query, ReadConsistency consistency, std::uint64_t min_index,
                                     Deadline deadline, Callback<std::unique_ptr<QueryStream>> done,
                                     std::string node, RequestContext context) {
  const bool is_local = consistency == ReadConsistency::local;
  query.deadline = deadline;
  impl_->read({.query = std::move(query),
               .consistency = is_local ? ReadConsistency::local : ReadConsistency::linearizable,
               .min_index = min_index,
               .deadline_us = to_us(deadline),
               .done = SureCallback(std::move(done)),
               .node = std::move(node),
               .context = std::move(context)});
}

void MultiDbCoordinator::set_mode(ConsistencyMode mode, Deadline deadline, Callback<std::uint64_t> done,
                                  RequestContext context) {
  impl_->ask({.body = ModeCall{mode},
              .deadline_us = to_us(deadline),
              .done = answer_index(std::move(done)),
              .context = std::move(context)});
}

void MultiDbCoordinator::verify(Deadline deadline, Callback<VerifyReport> done, RequestContext context) {
  impl_->ask({.body = VerifyCall{},
              .deadline_us = to_us(deadline),
              .done =
                  [done = std::move(done)](Result<CallAnswer> answer) mutable {
                    if (!answer) return done(std::unexpected(std::move(answer.error())));
                    done(std::get<VerifyReport>(std::move(*answer)));
                  },
              .context = std::move(context)});
}

void MultiDbCoordinator::find_key(std::string key, Deadline deadline, Callback<KeyState> done,
                                  RequestContext context) {
  impl_->ask({.body = OutcomeCall{std::move(key)},
              .deadline_us = to_us(deadline),
              .done =
                  [done = std::move(done)](Result<CallAnswer> answer) mutable {
                    if (!answer) return done(std::unexpected(std::move(answer.error())));
                    done(std::get<KeyState>(std::move(*answer)));
                  },
              .context = std::move(context)});
}

void MultiDbCoordinator::backup(std::filesystem::path target, Callback<Position> done) {
  SureCallback sure(std::move(done));
  const bool asked =
      impl_->with_own_node({}, [&](DbNode& node) { node.backup(std::move(target), std::move(sure)); });
  if (!asked)
    sure(fail(ErrorCode::node_unavailable, "No node of this process has content to read at the moment."));
}

void MultiDbCoordinator::restore(RestoreRecord record, Deadline deadline, Callback<std::uint64_t> done,
                                 RequestContext context) {
  impl_->ask({.body = RestoreCall{std::move(record)},
              .deadline_us = to_us(deadline),
              .done = answer_index(std::move(done)),
              .context = std::move(context)});
}

void MultiDbCoordinator::transfer_leadership(NodeId to, Deadline deadline, Callback<std::uint64_t> done,
                                             RequestContext context) {
  impl_->ask({.body = TransferCall{std::move(to)},
              .deadline_us = to_us(deadline),
              .done = answer_index(std::move(done)),
              .context = std::move(context)});
}

void MultiDbCoordinator::change_member(MemberCall change, Deadline deadline, Callback<std::uint64_t> done,
                                       RequestContext context) {
  impl_->ask({.body = std::move(change),
              .deadline_us = to_us(deadline),
              .done = answer_index(std::move(done)),
              .context = std::move(context)});
}

void MultiDbCoordinator::status(Deadline deadline, Callback<ClusterStatus> done, RequestContext context) {
  const std::int64_t latest = impl_->options.executor.now_us() + kStatusWaitUs;
  impl_->ask({.body = StatusCall{},
              .deadline_us = std::min(to_us(deadline), latest),
              .done =
                  [routing = impl_, done = std::move(done)](Result<CallAnswer> answer) mutable {
                    ClusterStatus status =
                        answer ? std::get<ClusterStatus>(std::move(*answer)) : routing->own_status();
                    routing->tell_of_own_nodes(status);
                    done(std::move(status));
                  },
              .context = std::move(context)});
}

ConsistencyMode MultiDbCoordinator::known_mode() const {
  return impl_->known_mode();
}

ClusterStatus MultiDbCoordinator::known_status() const {
  ClusterStatus status = impl_->own_status();
  impl_->tell_of_own_nodes(status);
  return status;
}

CoreCounts MultiDbCoordinator::counts() const {
  CoreCounts counts;
  counts.decided = impl_->decided;
  for (std::size_t code = 0; code < kErrorCodes; ++code) counts.refused[code] = impl_->refused[code];
  const std::shared_lock lock(impl_->slots_mutex);
  for (const auto& [id, slot] : impl_->slots) {
    if (slot.data != nullptr) counts.nodes.push_back(slot.data->counts());
  }
  return counts;
}

std::uint64_t MultiDbCoordinator::applied_index() const {
  return impl_->applied_index();
}

Result<void> MultiDbCoordinator::check_ready() const {
  if (impl_->draining) return fail(ErrorCode::shutting_down, "The server is stopping.");
  ErrorCode code = ErrorCode::node_unavailable;
  std::string lacks;
  const std::shared_lock lock(impl_->slots_mutex);
  for (const auto& [id, slot] : impl_->slots) {
    const bool is_witness = slot.node != nullptr && slot.data == nullptr;
    if (is_witness && impl_->slots.size() > 1) continue;  // a guest of the process whose node is meant
    if (!lacks.empty()) lacks += ' ';
    if (slot.node == nullptr) {
      lacks += "Node " + id + " is down (" + slot.state + "). " + slot.detail;
    } else if (slot.node->has_caught_up()) {
      return {};
    } else if (const NodeId leader = slot.node->leadership().leader; leader.empty()) {
      code = ErrorCode::no_leader;
      lacks += "Node " + id + " knows no leader.";
    } else {
      lacks += "Node " + id + " is catching up with " + leader + ", the leader.";
    }
  }
  return fail(code, std::move(lacks));
}

bool MultiDbCoordinator::drain(Deadline deadline) {
  impl_->draining = true;
  std::unique_lock lock(impl_->drained_mutex);
  return impl_->drained.wait_until(lock, deadline, [this] { return impl_->outstanding == 0; });
}

void MultiDbCoordinator::attach(DbNode& node) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots[node.id()] = {.node = &node, .data = &node, .state = "running", .detail = {}};
}

void MultiDbCoordinator::attach(WitnessNode& node) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots[node.id()] = {.node = &node, .data = nullptr, .state = "running", .detail = {}};
}

void MultiDbCoordinator::detach(const std::string& id, std::string state, std::string detail) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots[id] = {
      .node = nullptr, .data = nullptr, .state = std::move(state), .detail = std::move(detail)};
}

void MultiDbCoordinator::detach(const std::string& id) {
  const std::unique_lock lock(impl_->slots_mutex);
  impl_->slots.erase(id);
}

}  // namespace quorate
