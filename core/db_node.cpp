#include "core/db_node.hpp"

#include <algorithm>
#include <utility>

namespace quorate {
namespace {

constexpr std::int64_t kSweepUs = 25'000;

}  // namespace

Result<std::unique_ptr<DbNode>> DbNode::open(Options options) {
  if (auto installed = install_snapshot(options); !installed) return std::unexpected(installed.error());
  auto meta = options.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  if (!*meta)
    return fail(ErrorCode::corrupt, "the database of node " + options.node.id + " has no _cluster_meta");
  auto stored = options.log->load();
  if (!stored) return std::unexpected(stored.error());
  if (!stored->has_begun())
    return fail(ErrorCode::corrupt, "the log of node " + options.node.id + " belongs to no cluster");
  Index applied = (*meta)->applied.index;
  const bool fits = stored->base.index <= applied && applied <= stored->last_index;
  std::string why = options.repair ? "Its content is not trusted." : "";
  if (!fits && !options.repair) {
    why = "Its database is at index " + std::to_string(applied) + ", but its log holds " +
          std::to_string(stored->base.index + 1) + " to " + std::to_string(stored->last_index) + ".";
  }
  const bool repairs = options.repair || !fits;
  if (repairs) applied = stored->base.index;  // all that is certain; the rest the leader will tell

  std::unique_ptr<DbNode> node(new DbNode(std::move(options)));
  const Options& kept = node->options_;
  node->cluster_id_ = (*meta)->cluster_id;
  node->instance_ = stored->instance;
  node->outbox_ = std::make_shared<Outbox>(kept.transport, kept.observer, kept.node.id, stored->instance);
  node->opened_in_ = stored->hard_state.term;
  node->mode_ = (*meta)->mode;
  node->membership_ = (*meta)->membership;
  if (node->membership_.members.empty()) node->membership_ = stored->membership;
  node->applied_ = repairs ? stored->base : (*meta)->applied;
  node->applied_index_ = applied;
  node->durable_ = stored->base.index;
  node->recent_ = RecentOutcomes(applied);
  node->state_ = repairs ? NodeState::repairing : NodeState::running;
  node->detail_ = why;
  RaftConfig raft = raft_config(kept.node.id, stored->instance, kept.timing, kept.limits, kept.broken);
  raft.has_content = !repairs;
  node->driver_ = std::make_unique<ConsensusDriver>(ConsensusDriver::Options{.raft = std::move(raft),
                                                                             .executor = kept.consensus,
                                                                             .transport = kept.transport,
                                                                             .log = *kept.log,
                                                                             .listener = *node,
                                                                             .applied = applied,
                                                                             .delivers = !repairs},
                                                    std::move(*stored));
  node->publish();
  return node;
}

DbNode::DbNode(Options options)
    : options_(std::move(options)),
      queue_(options_.limits),
      streams_(options_.node.id, *options_.engine, options_.readers, options_.limits) {}

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
  if (handover_) handover_->done(std::unexpected(stopped));
  if (!untouched.empty()) options_.observer.on_returned(std::move(untouched));
}

void DbNode::start() {
  driver_->start();
  options_.writer.post([this] { sweep(); });
}

void DbNode::stop() {
  stopped_ = true;
  outbox_->open = false;
  leads_ = false;
  driver_->stop();
  streams_.end_all({.code = ErrorCode::shutting_down, .message = "Node " + id() + " has stopped."});
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
  // What completes the batch ends the wait; else pump() has seen to it that it comes back.
  if (!queue_.gathers_until(options_.writer.now_us())) schedule_pump();
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
  view.api_url = options_.api_url;
  view.leadership = consensus.leadership;
  view.commit = consensus.commit;
  if (consensus.membership) view.membership = *consensus.membership;
  view.peers = consensus.peers;
  view.now = options_.consensus.now_us();
  return view;
}

NodeCounts DbNode::counts() const {
  const ConsensusDriver::View consensus = driver_->view();
  return {.id = id(),
          .serves = serves_,
          .leads = leads_,
          .term = consensus.leadership.term,
          .commit_index = consensus.commit,
          .applied_index = applied_index_,
          .log_bytes = consensus.log_bytes,
          .queued_writes = queue_.size(),
          .streams = streams_.count()};
}

bool DbNode::has_caught_up() const {
  const ConsensusDriver::View consensus = driver_->view();
  if (!serves_ || consensus.leadership.leader.empty()) return false;
  const bool leads = consensus.leadership.role == Role::leader;
  const Index goal = leads ? consensus.leadership.term_start : consensus.leader_commit;
  return leads ? applied_index_ >= goal : goal != 0 && applied_index_ + kCaughtUpLag >= goal;
}

void DbNode::publish() {
  const std::lock_guard lock(view_mutex_);
  view_.state = state_;
  view_.detail = detail_;
  view_.mode = mode_;
  view_.applied = applied_;
  view_.digest = options_.engine->get_version().second;
  // Who has just joined has an old content, or none: it serves once it has been made a voter, for which it must have
  // caught up.
  const Member* self = membership_.find(id());
  const bool is_voter = self != nullptr && self->instance == instance_ && self->voter;
  serves_ = is_running() && applied_.index > 0 && is_voter;
}

// Apart from publish(), which comes with every entry applied.
void DbNode::publish_reports() {
  const std::lock_guard lock(view_mutex_);
  view_.reports = reports_;
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
  if (!leadership_.leader.empty()) leaderless_since_us_ = options_.writer.now_us();
  leadership_ = std::move(leadership);
  leads_ = leads;
  if (!same_reign) {
    reports_.clear();
    publish_reports();
    changing_membership_ = false;
    preferred_well_since_us_ = options_.writer.now_us();
    if (led) give_back(may_be_given_back());
    // What a former leader had us hold is given up when the log says so, or by sweep().
    if (in_flight_ && in_flight_->kind == EntryKind::batch) held_.reset();
  }
  tend_handover();
  apply_ready();
}

// Everything that waits with a deadline is looked after here.
void DbNode::sweep() {
  if (stopped_) return;
  const std::int64_t now = options_.writer.now_us();
  options_.writer.post_at(now + kSweepUs, [this] { sweep(); });
  const Error late{.code = ErrorCode::deadline_exceeded,
                   .message = "The transaction's deadline passed before it was begun. Nothing was written."};
  for (Submission& submission : queue_.take_expired(now)) refuse(submission, late);
  expire_waiters(now);
  expire_verifications(now);
  streams_.end_expired(now);
  if (!is_up()) return;
  notice_removal();
  tend_fetch();
  repair_if_possible();
  tend_members();
  expire_in_flight(now);
  const std::int64_t patience =
      2 * (to_us(options_.timing.prepare_timeout) + to_us(options_.timing.commit_wait));
  if (held_ && !in_flight_ && now - held_->since_us > patience) held_.reset();
  if (in_flight_ && in_flight_->stage == InFlight::Stage::preparing) check_prepares();
  report_progress(report_due_);
  apply_ready();
}

void DbNode::go_down(Error why) {
  const bool quarantined = why.code == ErrorCode::quarantined;
  go_down(quarantined ? NodeState::quarantined : NodeState::failed, std::move(why));
}

void DbNode::go_down(NodeState state, Error why) {
  if (!is_up()) return;
  state_ = state;
  detail_ = why.message;
  leads_ = false;
  driver_->stop();
  held_.reset();
  to_apply_.clear();
  give_back(may_be_given_back());
  if (in_flight_) {
    fail_in_flight({.code = ErrorCode::leadership_lost,
                    .message = "Node " + id() + " failed while the transaction was being decided.",
                    .outcome = Outcome::unknown});
  }
  publish();
  streams_.end_all({.code = ErrorCode::node_unavailable,
                    .message = "Node " + id() + " has stopped serving: " + why.message,
                    .node = id()});
  report_progress(true);
  options_.observer.on_down(id(), state, std::move(why));
}

void DbNode::send(const NodeId& to, MessageBody body) {
  options_.transport.send({.from = id(), .to = to, .body = std::move(body), .instance = instance_});
}

void DbNode::receive(Message message) {
  if (auto* raft = std::get_if<RaftBody>(&message.body)) {
    return driver_->receive(std::move(message.from), message.instance, std::move(*raft));
  }
  auto* reply = std::get_if<CallReply>(&message.body);
  if (reply != nullptr && reply->id != status_asked_) return options_.observer.on_reply(std::move(*reply));
  if (auto* call = std::get_if<Call>(&message.body); call != nullptr && serve_at_once(message.from, *call))
    return;
  options_.writer.post([this, message = std::move(message)]() mutable {
    if (stopped_ || !is_up()) return;
    std::visit([&](auto& body) { handle(message.from, body); }, message.body);
  });
}

void DbNode::on_unreachable(const NodeId& node) {
  driver_->peer_lost(node);
  options_.observer.on_unreachable(node);
  options_.writer.post([this] {
    if (stopped_ || !is_up()) return;
    if (in_flight_ && in_flight_->stage == InFlight::Stage::preparing) check_prepares();
    apply_ready();
  });
}

void DbNode::handle(const NodeId&, RaftBody&) {}  // receive() has passed these on

void DbNode::handle(const NodeId& from, PrepareRequest& request) {
  if (request.term < leadership_.term) return;  // of a leader that has been replaced
  if (!is_running()) {
    return send(from, PrepareReply{.term = request.term,
                                   .batch = request.batch,
                                   .refusal = Error{.code = ErrorCode::quarantined, .message = detail_}});
  }
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
  const bool is_news = report.applied >= known.applied || report.state != known.state;
  if (is_news) known = report;
  publish_reports();
  apply_ready();
  compact_if_due();
}

void DbNode::handle(const NodeId&, CompactBelow& compact) {
  if (is_running()) driver_->compact(std::min(compact.index, durable_));
}

}  // namespace quorate
