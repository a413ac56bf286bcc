#include "core/db_node.hpp"

#include <algorithm>
#include <utility>

namespace quorate {
namespace {

constexpr std::int64_t kSweepUs = 25'000;

}  // namespace

Result<std::unique_ptr<DbNode>> DbNode::open(Options options) {
  auto meta = options.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  if (!*meta)
    return fail(ErrorCode::corrupt, "the database of node " + options.node.id + " has no _cluster_meta");
  auto stored = options.log->load();
  if (!stored) return std::unexpected(stored.error());
  const Index applied = (*meta)->applied.index;
  if (stored->base.index > applied || stored->last_index < applied) {
    return fail(ErrorCode::corrupt, "the database of node " + options.node.id + " is at index " +
                                        std::to_string(applied) + ", but its log holds " +
                                        std::to_string(stored->base.index + 1) + " to " +
                                        std::to_string(stored->last_index) + ": they do not belong together");
  }

  std::unique_ptr<DbNode> node(new DbNode(std::move(options)));
  const Options& kept = node->options_;
  node->cluster_id_ = (*meta)->cluster_id;
  node->mode_ = (*meta)->mode;
  node->applied_ = (*meta)->applied;
  node->applied_index_ = applied;
  node->durable_ = stored->base.index;
  node->driver_ = std::make_unique<ConsensusDriver>(
      ConsensusDriver::Options{.raft = {.id = kept.node.id,
                                        .voters = kept.members,
                                        .preferred = kept.node.preferred_master,
                                        .heartbeat_us = to_us(kept.timing.heartbeat),
                                        .election_timeout_us = to_us(kept.timing.election_timeout),
                                        .max_append_bytes = kept.limits.append_bytes,
                                        .broken = kept.broken},
                               .executor = kept.consensus,
                               .transport = kept.transport,
                               .log = *kept.log,
                               .listener = *node,
                               .applied = applied},
      std::move(*stored));
  node->publish();
  return node;
}

DbNode::DbNode(Options options) : options_(std::move(options)), queue_(options_.limits) {}

DbNode::~DbNode() {
  std::vector<Submission> untouched = queue_.take_all();
  if (in_flight_) {
    const bool proposed = in_flight_->stage == InFlight::Stage::proposed;
    fail_in_flight({.code = ErrorCode::leadership_lost,
                    .message = "Node " + id() + " stopped while the transaction was being decided.",
                    .outcome = proposed ? Outcome::unknown : Outcome::not_applied});
  }
  const Error stopped{.code = ErrorCode::shutting_down, .message = "Node " + id() + " has stopped."};
  for (auto& [index, waiter] : waiters_) waiter.then(std::unexpected(stopped));
  for (auto& [token, verification] : std::exchange(verifications_, {}))
    verification.done(std::unexpected(stopped));
  if (!untouched.empty()) options_.observer.on_returned(std::move(untouched));
}

void DbNode::start() {
  driver_->start();
  options_.writer.post([this] { sweep(); });
}

void DbNode::stop() {
  stopped_ = true;
  leads_ = false;
  driver_->stop();
}

void DbNode::submit(Submission submission) {
  if (!leads_) {
    std::vector<Submission> back;
    back.push_back(std::move(submission));
    return options_.observer.on_returned(std::move(back));
  }
  if (!queue_.push(submission)) {
    return submission.done(
        fail(ErrorCode::overloaded, "Too many writes are waiting. Try again a little later."));
  }
  schedule_pump();
}

DbNode::View DbNode::view() const {
  View view;
  {
    const std::lock_guard lock(view_mutex_);
    view = view_;
  }
  const ConsensusDriver::View consensus = driver_->view();
  view.cluster_id = cluster_id_;
  view.engine_name = options_.engine_name;
  view.preferred_master = options_.node.preferred_master;
  view.leadership = consensus.leadership;
  view.commit = consensus.commit;
  view.peers = consensus.peers;
  view.now = options_.consensus.now_us();
  return view;
}

void DbNode::publish() {
  const std::lock_guard lock(view_mutex_);
  view_.state = state_;
  view_.detail = detail_;
  view_.mode = mode_;
  view_.applied = applied_;
  view_.digest = options_.engine->get_version().second;
}

void DbNode::on_committed(Committed committed) {
  options_.writer.post([this, committed = std::move(committed)]() mutable {
    if (stopped_) return;
    std::ranges::move(committed.entries, std::back_inserter(to_apply_));
    matches_ = std::move(committed.matches);
    apply_ready();
  });
}

void DbNode::on_leadership(Leadership leadership) {
  options_.writer.post([this, leadership = std::move(leadership)]() mutable {
    if (!stopped_) take_leadership(std::move(leadership));
  });
}

void DbNode::on_log_failure(Error error) {
  leads_ = false;
  options_.writer.post([this, error = std::move(error)]() mutable { go_down(std::move(error)); });
}

void DbNode::take_leadership(Leadership leadership) {
  const bool led = leadership_.role == Role::leader;
  const bool leads = leadership.role == Role::leader && is_running();
  const bool same_reign = led && leads && leadership.term == leadership_.term;
  leadership_ = std::move(leadership);
  leads_ = leads;
  if (!same_reign) {
    reports_.clear();
    if (led) give_back(in_flight_ && in_flight_->stage == InFlight::Stage::preparing);
    // What a former leader had us hold is given up when the log says so, or by sweep().
    if (in_flight_ && in_flight_->kind == EntryKind::batch) held_.reset();
  }
  apply_ready();
}

// Everything that waits with a deadline is looked after here.
void DbNode::sweep() {
  if (stopped_) return;
  const std::int64_t now = options_.writer.now_us();
  options_.writer.post_at(now + kSweepUs, [this] { sweep(); });
  const Error late{.code = ErrorCode::deadline_exceeded,
                   .message = "The transaction's deadline passed before it was begun. Nothing was written."};
  for (Submission& submission : queue_.take_expired(now)) submission.done(std::unexpected(late));
  expire_waiters(now);
  expire_verifications(now);
  if (!is_running()) return;
  expire_in_flight(now);
  const std::int64_t patience =
      2 * (to_us(options_.timing.prepare_timeout) + to_us(options_.timing.commit_wait));
  if (held_ && !in_flight_ && now - held_->since_us > patience) held_.reset();
  if (in_flight_ && in_flight_->stage == InFlight::Stage::preparing) check_prepares();
  report_progress(report_due_);
  apply_ready();
}

void DbNode::go_down(Error why) {
  if (!is_running()) return;
  state_ = why.code == ErrorCode::quarantined ? NodeState::quarantined : NodeState::failed;
  detail_ = why.message;
  leads_ = false;
  driver_->stop();
  held_.reset();
  to_apply_.clear();
  give_back(in_flight_ && in_flight_->stage == InFlight::Stage::preparing);
  if (in_flight_) {
    fail_in_flight({.code = ErrorCode::leadership_lost,
                    .message = "Node " + id() + " failed while the transaction was being decided.",
                    .outcome = Outcome::unknown});
  }
  publish();
  options_.observer.on_down(id(), std::move(why));
}

void DbNode::send(const NodeId& to, MessageBody body) {
  options_.transport.send({id(), to, std::move(body)});
}

void DbNode::receive(Message message) {
  if (auto* raft = std::get_if<RaftBody>(&message.body)) {
    return driver_->receive(std::move(message.from), std::move(*raft));
  }
  options_.writer.post([this, message = std::move(message)]() mutable {
    if (stopped_ || !is_running()) return;
    std::visit([&](auto& body) { handle(message.from, body); }, message.body);
  });
}

void DbNode::handle(const NodeId&, RaftBody&) {}  // receive() has passed these on

void DbNode::handle(const NodeId& from, PrepareRequest& request) {
  if (request.term < leadership_.term) return;  // of a leader that has been replaced
  if (request.base > applied_.index) {
    waiting_prepare_ = {from, std::move(request)};
    return;
  }
  prepare_for(from, std::move(request));
}

void DbNode::handle(const NodeId& from, PrepareReply& answer) {
  if (!in_flight_ || in_flight_->stage != InFlight::Stage::preparing) return;
  if (answer.batch != in_flight_->record.id) return;
  const auto expected = in_flight_->prepares.find(from);
  if (expected == in_flight_->prepares.end()) return;
  expected->second = std::move(answer);
  check_prepares();
}

void DbNode::handle(const NodeId&, ReleaseBatch& release) {
  if (waiting_prepare_ && waiting_prepare_->second.batch == release.batch) waiting_prepare_.reset();
  if (held_ && !in_flight_ && held_->id == release.batch) held_.reset();
}

void DbNode::handle(const NodeId& from, AppliedReport& report) {
  AppliedReport& known = reports_[from];
  if (report.applied >= known.applied) known = report;
  apply_ready();
  compact_if_due();
}

void DbNode::handle(const NodeId&, CompactBelow& compact) {
  driver_->compact(std::min(compact.index, durable_));
}

}  // namespace quorate
