#include "core/coordinator_routing.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace quorate {
namespace {

// How often what waits for a leader looks again.
constexpr std::int64_t kRetryUs = 5'000;
// How often what was sent is looked after: whether its leader still leads, and its deadline.
constexpr std::int64_t kSweepUs = 10'000;
// An answer from another process may come so much later than it was due.
constexpr std::int64_t kTravelUs = 50'000;

Error no_leader() {
  return {.code = ErrorCode::no_leader,
          .message = "No leader is known: a majority of the nodes is not reachable from here."};
}

Error unanswered() {
  return {
      .code = ErrorCode::leadership_lost,
      .message = "The leader did not answer before the deadline. What was asked for may have been applied.",
      .outcome = Outcome::unknown};
}

// Whether the leader that refused so had looked first whether the transaction was decided before (RecentOutcomes).
bool is_conclusive(ErrorCode code) {
  switch (code) {
    case ErrorCode::no_leader:
    case ErrorCode::leadership_lost:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::overloaded:
    case ErrorCode::shutting_down:
    case ErrorCode::internal: return false;
    default: return true;
  }
}

// A copy of the transaction may have been applied: from now on it takes more than any refusal to say that it was not.
void doubt(Submission& submission) {
  if (std::exchange(submission.in_doubt, true)) return;
  submission.done = [done = std::move(submission.done)](Result<WriteReceipt> result) mutable {
    const bool open = !result && result.error().outcome == Outcome::not_applied;
    if (open && !is_conclusive(result.error().code)) result.error().outcome = Outcome::unknown;
    done(std::move(result));
  };
}

// What a leader that has not answered may have done.
bool may_change(const CallBody& body) {
  return std::holds_alternative<ModeCall>(body) || std::holds_alternative<TransferCall>(body) ||
         std::holds_alternative<MemberCall>(body) || std::holds_alternative<RestoreCall>(body);
}

bool is_no_leader(const Error& error) {
  return error.code == ErrorCode::no_leader || error.code == ErrorCode::leadership_lost;
}

}  // namespace

// The leader of the highest term that a node of this process knows of, if it is in another process that is reachable.
std::optional<std::pair<NodeId, Term>> MultiDbCoordinator::Routing::remote_leader() {
  std::pair<NodeId, Term> best;
  bool reachable = false;
  const std::shared_lock lock(slots_mutex);
  for (const auto& [id, slot] : slots) {
    if (slot.node == nullptr) continue;
    Leadership known = slot.node->leadership();
    if (known.leader.empty() || known.term <= best.second) continue;
    reachable = slot.node->reaches(known.leader) && !slots.contains(known.leader);
    best = {std::move(known.leader), known.term};
  }
  if (!reachable) return std::nullopt;
  return best;
}

// No leader was found for a request that has been without one since `since_us` (0: until now): whether to tell so now.
bool MultiDbCoordinator::Routing::has_waited_in_vain(std::int64_t& since_us, std::int64_t deadline_us) {
  const std::int64_t now = options.executor.now_us();
  if (since_us == 0) since_us = now;
  return now >= deadline_us || now - since_us >= to_us(options.leader_wait);
}

void MultiDbCoordinator::Routing::later(Task task) {
  options.executor.post_at(options.executor.now_us() + kRetryUs, std::move(task));
}

// --- writes ---

void MultiDbCoordinator::Routing::submit(Submission submission) {
  if (draining) return submission.done(fail(ErrorCode::shutting_down, "The server is stopping."));
  if (outstanding.fetch_add(1) >= options.limits.queue_transactions) {
    finish_one();
    return submission.done(
        fail(ErrorCode::overloaded, "Too many writes are waiting. Try again a little later."));
  }
  submission.done = [self = shared_from_this(),
                     done = std::move(submission.done)](Result<WriteReceipt> r) mutable {
    ++(r ? self->decided : self->refused[static_cast<std::size_t>(r.error().code)]);
    done(std::move(r));
    self->finish_one();
  };
  route(std::move(submission));
}

void MultiDbCoordinator::Routing::finish_one() {
  if (outstanding.fetch_sub(1) != 1 || !draining) return;
  const std::lock_guard lock(drained_mutex);
  drained.notify_all();
}

// Hands the submission to the leader, as soon as there is one.
void MultiDbCoordinator::Routing::route(Submission submission) {
  const auto hand_over = [&](DbNode& leader) {
    submission.leaderless_since_us = 0;
    leader.submit(std::move(submission));
  };
  if (with_own_leader(hand_over) || forward(submission)) return;
  if (has_waited_in_vain(submission.leaderless_since_us, submission.deadline_us)) {
    return submission.done(std::unexpected(submission.in_doubt ? unanswered() : no_leader()));
  }
  later([self = shared_from_this(), submission = std::move(submission)]() mutable {
    self->route(std::move(submission));
  });
}

// From now on every node remembers the outcome, for this process may send it again (RecentOutcomes).
bool MultiDbCoordinator::Routing::forward(Submission& submission) {
  auto leader = remote_leader();
  if (!leader || options.executor.now_us() >= submission.deadline_us) return false;
  submission.leaderless_since_us = 0;
  if (!submission.transaction.forwarded) submission.since = applied_index();
  submission.transaction.forwarded = true;
  WriteCall call{.transaction = submission.transaction, .since = submission.since};
  const std::int64_t deadline_us = submission.deadline_us;
  send({.what = std::move(submission), .to = std::move(leader->first), .term = leader->second},
       std::move(call), deadline_us);
  return true;
}

void MultiDbCoordinator::Routing::on_write_reply(Submission submission, Result<CallAnswer> answer) {
  if (answer) return submission.done(std::get<WriteReceipt>(std::move(*answer)));
  Error& error = answer.error();
  const bool time_left = options.executor.now_us() < submission.deadline_us;
  if (!is_no_leader(error) || !time_left) return submission.done(std::unexpected(std::move(error)));
  // Of this copy it is known what became of it, if it is not_applied; of those before, the next leader knows.
  if (error.outcome != Outcome::not_applied) doubt(submission);
  later([self = shared_from_this(), submission = std::move(submission)]() mutable {
    self->route(std::move(submission));
  });
}

// --- what else the leader does ---

void MultiDbCoordinator::Routing::ask(Request request) {
  auto shared = std::make_shared<Request>(std::move(request));
  const bool asked = with_own_leader([&](DbNode& leader) {
    shared->leaderless_since_us = 0;
    // A node that goes down may never answer: then the deadline does. A newer term says nothing, for the node may be about
    // to tell how it came about (a transfer).
    CallBody body = shared->body;
    const std::int64_t deadline_us = shared->deadline_us;
    const std::uint64_t id =
        remember({.what = std::move(*shared), .to = leader.id(), .term = std::numeric_limits<Term>::max()});
    leader.serve(std::move(body), 0, deadline_us, [self = shared_from_this(), id](Result<CallAnswer> answer) {
      self->on_reply({.id = id, .answer = std::move(answer)});
    });
  });
  if (asked || forward(*shared)) return;
  if (has_waited_in_vain(shared->leaderless_since_us, shared->deadline_us)) {
    return shared->done(std::unexpected(shared->in_doubt ? unanswered() : no_leader()));
  }
  later([self = shared_from_this(), shared] { self->ask(std::move(*shared)); });
}

bool MultiDbCoordinator::Routing::forward(Request& request) {
  auto leader = remote_leader();
  if (!leader || options.executor.now_us() >= request.deadline_us) return false;
  request.leaderless_since_us = 0;
  CallBody body = request.body;
  const std::int64_t deadline_us = request.deadline_us;
  send({.what = std::move(request), .to = std::move(leader->first), .term = leader->second}, std::move(body),
       deadline_us);
  return true;
}

void MultiDbCoordinator::Routing::on_answer(Request request, Result<CallAnswer> answer) {
  const bool time_left = options.executor.now_us() < request.deadline_us;
  if (!answer && answer.error().outcome == Outcome::unknown) request.in_doubt = may_change(request.body);
  if (!answer && request.in_doubt && !is_conclusive(answer.error().code)) {
    if (!time_left) return request.done(std::unexpected(unanswered()));
    answer.error().outcome = Outcome::unknown;
  }
  if (answer || !is_no_leader(answer.error()) || !time_left) return request.done(std::move(answer));
  later(
      [self = shared_from_this(), request = std::move(request)]() mutable { self->ask(std::move(request)); });
}

// --- what was sent to another process ---

// From now on sweep_sent() looks after it.
std::uint64_t MultiDbCoordinator::Routing::remember(Sent sent) {
  const std::uint64_t id = options.executor.random();
  const std::lock_guard lock(sent_mutex);
  sent_calls.emplace(id, std::move(sent));
  if (!std::exchange(sweeping, true)) {
    options.executor.post_at(options.executor.now_us() + kSweepUs,
                             [self = shared_from_this()] { self->sweep_sent(); });
  }
  return id;
}

void MultiDbCoordinator::Routing::send(Sent sent, CallBody body, std::int64_t deadline_us) {
  const NodeId to = sent.to;
  Call call{.term = sent.term,
            .timeout_us = deadline_us - options.executor.now_us(),
            .body = std::move(body),
            .context = std::visit([](const auto& what) { return what.context; }, sent.what)};
  call.id = remember(std::move(sent));
  const std::shared_lock lock(slots_mutex);
  for (const auto& [node_id, slot] : slots) {
    if (slot.node == nullptr || !slot.node->reaches(to)) continue;
    return slot.node->send_call(to, std::move(call));
  }
}

void MultiDbCoordinator::Routing::on_reply(CallReply reply) {
  std::optional<Sent> sent;
  {
    const std::lock_guard lock(sent_mutex);
    auto found = sent_calls.extract(reply.id);
    if (found.empty()) return;  // given up meanwhile
    sent = std::move(found.mapped());
  }
  if (auto* submission = std::get_if<Submission>(&sent->what)) {
    return on_write_reply(std::move(*submission), std::move(reply.answer));
  }
  on_answer(std::get<Request>(std::move(sent->what)), std::move(reply.answer));
}

void MultiDbCoordinator::Routing::on_unreachable(const NodeId& node) {
  std::vector<Sent> lost;
  {
    const std::lock_guard lock(sent_mutex);
    for (auto sent = sent_calls.begin(); sent != sent_calls.end();) {
      const bool is_lost = sent->second.to == node;
      if (is_lost) lost.push_back(std::move(sent->second));
      sent = is_lost ? sent_calls.erase(sent) : std::next(sent);
    }
  }
  for (Sent& sent : lost) try_again(std::move(sent));
}

// Not from inside a callback of a node: the next leader may be a node of this process.
void MultiDbCoordinator::Routing::try_again(Sent sent) {
  if (auto* submission = std::get_if<Submission>(&sent.what)) doubt(*submission);
  if (auto* request = std::get_if<Request>(&sent.what)) request->in_doubt = may_change(request->body);
  later([self = shared_from_this(), what = std::move(sent.what)]() mutable {
    if (auto* submission = std::get_if<Submission>(&what)) return self->route(std::move(*submission));
    self->ask(std::get<Request>(std::move(what)));
  });
}

// Once another term has begun, the leader that was asked may never answer: a newer one is asked. At the deadline the
// answer is what is known then.
void MultiDbCoordinator::Routing::sweep_sent() {
  const std::int64_t now = options.executor.now_us();
  Term newest = 0;
  {
    const std::shared_lock lock(slots_mutex);
    for (const auto& [id, slot] : slots) {
      if (slot.node == nullptr) continue;
      const Leadership known = slot.node->leadership();
      if (!known.leader.empty()) newest = std::max(newest, known.term);
    }
  }
  const auto deadline_of = [](const Sent& sent) {
    return std::visit([](const auto& what) { return what.deadline_us; }, sent.what);
  };
  std::vector<Sent> stale;
  std::vector<Sent> late;
  {
    const std::lock_guard lock(sent_mutex);
    for (auto sent = sent_calls.begin(); sent != sent_calls.end();) {
      const bool is_late = now >= deadline_of(sent->second) + kTravelUs;
      const bool is_stale = sent->second.term < newest;
      if (is_late) {
        late.push_back(std::move(sent->second));
      } else if (is_stale) {
        stale.push_back(std::move(sent->second));
      }
      sent = is_late || is_stale ? sent_calls.erase(sent) : std::next(sent);
    }
    sweeping = !sent_calls.empty();
    if (sweeping)
      options.executor.post_at(now + kSweepUs, [self = shared_from_this()] { self->sweep_sent(); });
  }
  for (Sent& sent : stale) try_again(std::move(sent));
  for (Sent& sent : late) {
    if (auto* submission = std::get_if<Submission>(&sent.what)) {
      submission->done(std::unexpected(unanswered()));
    } else {
      const Request& request = std::get<Request>(sent.what);
      std::get<Request>(sent.what).done(
          std::unexpected(may_change(request.body) ? unanswered() : no_leader()));
    }
  }
}

// --- NodeObserver ---

void MultiDbCoordinator::Routing::on_returned(std::vector<Submission> submissions) {
  for (Submission& submission : submissions) {
    if (submission.kind != EntryKind::batch) {  // belongs to the node that asked, or is asked for again
      submission.done(fail(ErrorCode::leadership_lost, "The leader changed."));
      continue;
    }
    // The process that it comes from sends it to the next leader itself. A copy that went there from here would be one
    // that it does not know of, and might be decided after it has told its client that nothing was.
    if (submission.for_another) {
      submission.done(fail(ErrorCode::leadership_lost, "The leader changed.", Outcome::unknown));
      continue;
    }
    later([self = shared_from_this(), submission = std::move(submission)]() mutable {
      self->route(std::move(submission));
    });
  }
}

void MultiDbCoordinator::Routing::on_down(const NodeId& id, NodeState state, Error why) {
  if (options.on_node_down) options.on_node_down(id, state, why);
}

void MultiDbCoordinator::Routing::on_member_call(MemberCall change, std::int64_t deadline_us,
                                                 DbNode::Answer done) {
  options.executor.post(
      [self = shared_from_this(), change = std::move(change), deadline_us, done = std::move(done)]() mutable {
        self->ask({.body = std::move(change), .deadline_us = deadline_us, .done = std::move(done)});
      });
}

}  // namespace quorate
