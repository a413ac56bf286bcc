// What other processes ask of this node, and what the coordinator of its own asks of it as leader: the same calls.
#include <algorithm>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {
namespace {

Error not_leader(const NodeId& id) {
  return {.code = ErrorCode::no_leader, .message = "Node " + id + " does not lead.", .node = id};
}

// Adapts a callback for a CallAnswer to one for a more special answer.
template <typename T>
auto answer_with(DbNode::Answer done) {
  return [done = std::move(done)](Result<T> result) mutable {
    if (!result) return done(std::unexpected(std::move(result.error())));
    done(CallAnswer(std::move(*result)));
  };
}

}  // namespace

std::move_only_function<void(Result<WriteReceipt>)> DbNode::answer_with_index(Answer done) {
  return [done = std::move(done)](Result<WriteReceipt> receipt) mutable {
    if (!receipt) return done(std::unexpected(std::move(receipt.error())));
    done(IndexAnswer{receipt->index});
  };
}

void DbNode::serve(CallBody call, Term term, std::int64_t deadline_us, Answer done) {
  options_.writer.post([this, call = std::move(call), term, deadline_us, done = std::move(done)]() mutable {
    const bool leads = !stopped_ && leads_ && (term == 0 || leadership_.term == term);
    if (!leads) return done(std::unexpected(not_leader(id())));
    serve_as_leader(std::move(call), deadline_us, std::move(done));
  });
}

// Reads need not wait for the writer. Any thread.
bool DbNode::serve_at_once(const NodeId& from, Call& call) {
  if (std::holds_alternative<ReadIndexCall>(call.body)) {
    serve_read_index(replier(outbox_, from, call));
    return true;
  }
  auto* read = std::get_if<QueryCall>(&call.body);
  if (read == nullptr || !leads_) return false;
  const std::int64_t deadline_us = options_.writer.now_us() + call.timeout_us;
  read->query.deadline = deadline_at(deadline_us);
  query(std::move(read->query), read->min_index, deadline_us,
        answer_with<QueryAnswer>(replier(outbox_, from, call)));
  return true;
}

void DbNode::handle(const NodeId& from, Call& call) {
  Answer reply = replier(outbox_, from, call);
  const std::int64_t deadline_us = options_.writer.now_us() + call.timeout_us;
  if (auto* change = std::get_if<MemberCall>(&call.body); change != nullptr && call.term == 0) {
    return options_.observer.on_member_call(std::move(*change), deadline_us, std::move(reply));
  }
  if (!leads_ || (call.term != 0 && leadership_.term != call.term)) {
    if (const auto* write = std::get_if<WriteCall>(&call.body))
      return answer_with<WriteReceipt>(std::move(reply))(outcome_of_copies(*write, call.term));
    return reply(std::unexpected(not_leader(id())));
  }
  serve_as_leader(std::move(call.body), deadline_us, std::move(reply));
}

// What a node that does not lead in `term` can say of a write that was sent to it as the leader of that term: that it was
// not applied, unless another copy of the message may have come before. A copy that comes later is not taken either.
Result<WriteReceipt> DbNode::outcome_of_copies(const WriteCall& call, Term term) {
  const Transaction& transaction = call.transaction;
  if (const auto* outcome = recent_.find(transaction.id); outcome != nullptr) return *outcome;
  const bool in_doubt =
      term <= opened_in_ || !recent_.reaches_back_to(call.since) || is_in_flight(transaction.id);
  Error answer = not_leader(id());
  answer.outcome = in_doubt ? Outcome::unknown : Outcome::not_applied;
  return std::unexpected(std::move(answer));
}

void DbNode::serve_as_leader(CallBody call, std::int64_t deadline_us, Answer done) {
  if (auto* write = std::get_if<WriteCall>(&call)) {
    serve_write(std::move(*write), deadline_us, std::move(done));
  } else if (std::holds_alternative<ReadIndexCall>(call)) {
    serve_read_index(std::move(done));
  } else if (auto* read = std::get_if<QueryCall>(&call)) {
    read->query.deadline = deadline_at(deadline_us);
    query(std::move(read->query), read->min_index, deadline_us, answer_with<QueryAnswer>(std::move(done)));
  } else if (auto* mode = std::get_if<ModeCall>(&call)) {
    submit({.kind = EntryKind::mode,
            .payload = std::make_shared<const std::string>(encode_mode(mode->mode)),
            .deadline_us = deadline_us,
            .done = answer_with_index(std::move(done))});
  } else if (std::holds_alternative<VerifyCall>(call)) {
    verify(deadline_us, answer_with<VerifyReport>(std::move(done)));
  } else if (std::holds_alternative<StatusCall>(call)) {
    done(status_of(view()));
  } else if (auto* restore = std::get_if<RestoreCall>(&call)) {
    submit({.kind = EntryKind::restore,
            .restore = std::move(restore->record),
            .deadline_us = deadline_us,
            .done = answer_with_index(std::move(done))});
  } else if (auto* outcome = std::get_if<OutcomeCall>(&call)) {
    find_key(std::move(outcome->key), deadline_us, std::move(done));
  } else if (auto* handover = std::get_if<TransferCall>(&call)) {
    transfer(handover->to, deadline_us, std::move(done));
  } else if (auto* change = std::get_if<MemberCall>(&call)) {
    change_member(*change, deadline_us, std::move(done));
  }
}

void DbNode::serve_write(WriteCall call, std::int64_t deadline_us, Answer done) {
  call.transaction.forwarded = true;
  const std::size_t bytes = size_of(call.transaction);
  submit({.kind = EntryKind::batch,
          .transaction = std::move(call.transaction),
          .since = call.since,
          .for_another = true,
          .bytes = bytes,
          .deadline_us = deadline_us,
          .done = answer_with<WriteReceipt>(std::move(done))});
}

void DbNode::serve_read_index(Answer done) {
  driver_->read_index([id = id(), done = std::move(done)](ReadAnswer answer) mutable {
    if (!answer.confirmed) return done(std::unexpected(not_leader(id)));
    done(IndexAnswer{answer.index});
  });
}

namespace {

std::string state_of(const AppliedReport& report, std::uint64_t lag, bool in_contact) {
  if (!in_contact) return "unreachable";
  switch (report.state) {
    case NodeState::running: return lag > kCaughtUpLag ? "catching_up" : "running";
    case NodeState::repairing: return "repairing";
    case NodeState::installing: return "installing";
    case NodeState::failed: return "failed";
    case NodeState::quarantined: return "quarantined";
    case NodeState::removed: return "removed";
  }
  return "unknown";
}

AppliedReport own_report(const DbNode::View& view) {
  return {.applied = view.applied,
          .digest = view.digest,
          .state = view.state,
          .detail = view.detail,
          .engine = view.engine_name,
          .api_url = view.api_url};
}

NodeStatus status_of_member(const Member& member, const DbNode::View& view, const NodeId& viewer,
                            std::int64_t contact_us) {
  const bool leads = view.leadership.role == Role::leader;
  const bool is_viewer = member.id == viewer;
  NodeStatus node = status_of(member, view.leadership.leader);
  const auto peer = view.peers.find(member.id);
  const auto reported = view.reports.find(member.id);
  const AppliedReport report = is_viewer                        ? own_report(view)
                               : reported != view.reports.end() ? reported->second
                                                                : AppliedReport{};
  if (peer != view.peers.end()) {
    node.match_index = peer->second.match;
    node.last_contact_ms = (view.now - peer->second.last_contact) / 1000;
  } else if (is_viewer && leads) {
    node.match_index = view.commit;
  }
  const bool in_contact =
      is_viewer || (peer != view.peers.end() && view.now - peer->second.last_contact < contact_us);
  if (member.witness) {
    node.state = !leads ? "unknown" : in_contact ? "running" : "unreachable";
    return node;
  }
  const bool is_known = is_viewer || reported != view.reports.end();
  node.engine = report.engine;
  node.applied_index = report.applied.index;
  node.digest = is_known ? to_string(report.digest) : "";
  node.detail = report.detail;
  node.url = report.api_url;
  node.lag = is_known ? view.commit - std::min(view.commit, report.applied.index) : 0;
  node.state = !leads && !is_viewer      ? "unknown"
               : !is_known && in_contact ? "starting"
                                         : state_of(report, node.lag, in_contact);
  return node;
}

}  // namespace

ClusterStatus DbNode::status_of(const View& view) const {
  ClusterStatus status{.cluster_id = view.cluster_id,
                       .mode = view.mode,
                       .term = view.leadership.term,
                       .commit_index = view.commit,
                       .leader = view.leadership.leader,
                       .source = id()};
  const std::int64_t contact_us = 2 * to_us(options_.timing.election_timeout);
  for (const Member& member : view.membership.members) {
    status.nodes.push_back(status_of_member(member, view, id(), contact_us));
  }
  return status;
}

}  // namespace quorate
