// The leader's side of a write: collect, prepare, decide, answer (design §5).
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {

namespace {

// So that a batch that is gathered in many parts is not moved for each.
template <typename T>
void make_room(std::vector<T>& elements, std::size_t more) {
  const std::size_t needed = elements.size() + more;
  if (needed > elements.capacity()) elements.reserve(std::max(needed, 2 * elements.capacity()));
}

}  // namespace

bool DbNode::may_prepare() const {
  if (!is_running() || stopped_ || !leads_ || !to_apply_.empty()) return false;
  if (in_flight_ && !is_gathering()) return false;
  // A new leader first applies all that was decided before it, which its own first entry completes.
  return applied_.index >= leadership_.term_start || !keeps(Rule::apply_before_preparing);
}

void DbNode::schedule_pump() {
  if (pump_posted_.exchange(true)) return;
  options_.writer.post([this] {
    pump_posted_ = false;
    pump();
  });
}

void DbNode::pump() {
  while (may_prepare()) {
    if (const auto until = queue_.gathers_until(options_.writer.now_us())) return pump_at(*until);
    std::optional<CommitQueue::Begun> begun;
    if (in_flight_) {
      begun = {.mode = in_flight_->mode,
               .transactions = in_flight_->submissions.size(),
               .bytes = in_flight_->bytes};
    }
    std::vector<Submission> submissions = queue_.take_batch(mode_, begun);
    const bool is_all = submissions.empty();
    if (is_all && !in_flight_) break;
    if (!is_all) prepare(std::move(submissions));
    if (is_gathering() && (is_all || !queue_.expects_more(options_.writer.now_us()))) close_batch();
  }
  // A submission that was queued while leadership went elsewhere.
  if (!leads_ && !stopped_ && !queue_.empty()) options_.observer.on_returned(queue_.take_all());
}

// At most one timer: if it fires too early, pump() sets the next.
void DbNode::pump_at(std::int64_t when_us) {
  if (std::exchange(has_pump_timer_, true)) return;
  options_.writer.post_at(when_us, [this] {
    has_pump_timer_ = false;
    pump();
  });
}

void DbNode::prepare(std::vector<Submission> submissions) {
  if (submissions.front().kind != EntryKind::batch) return propose_other(std::move(submissions.front()));
  submissions = without_repetitions(std::move(submissions));
  if (submissions.empty()) return;
  const ConsistencyMode mode = stronger(mode_, submissions.front().transaction.mode.value_or(mode_));
  const std::int64_t now = options_.writer.now_us();
  Batch batch = timed_batch(submissions);
  Result<bool> extended = false;
  const bool is_begun = is_gathering();
  if (is_begun) {
    extended = held_->batch.extend(batch, prepare_limits());
    if (extended && *extended)
      return add_prepared(std::move(submissions), std::move(batch), held_->batch.outcome(), now);
    take_back_gathered(submissions, batch);
  }
  held_.reset();
  auto prepared = extended ? prepare_batch(*options_.engine, batch, prepare_limits())
                           : Result<PreparedBatch>(std::unexpected(extended.error()));
  if (!prepared) return fail_preparing(std::move(submissions), std::move(batch), prepared.error());

  in_flight_ = InFlight{.stage = InFlight::Stage::gathering, .term = leadership_.term, .mode = mode};
  in_flight_->record.id = {options_.writer.random(), options_.writer.random()};
  in_flight_->record.mode = mode;
  add_prepared(std::move(submissions), std::move(batch), prepared->outcome(), now);
  if (in_flight_->submissions.empty()) return in_flight_.reset();
  held_.emplace(
      Held{.id = in_flight_->record.id, .mode = mode, .batch = std::move(*prepared), .since_us = now});
  // What had to be run again is not run a third time.
  if (is_begun) close_batch();
}

void DbNode::propose_other(Submission submission) {
  held_.reset();
  InFlight next{.kind = submission.kind, .term = leadership_.term, .begun_us = options_.writer.now_us()};
  next.payload = submission.payload;
  if (next.kind == EntryKind::membership) {
    auto membership = changed(membership_, *submission.change);
    if (!membership) return submission.done(std::unexpected(membership.error()));
    if (*membership == membership_) {
      return submission.done(WriteReceipt{.index = applied_.index, .term = applied_.term});
    }
    next.payload = std::make_shared<const std::string>(to_text(*membership));
  }
  if (next.kind == EntryKind::restore) {
    const RestoreRecord& record = *submission.restore;
    if (auto outcome = known_outcome(record)) return submission.done(std::move(*outcome));
    next.payload = std::make_shared<const std::string>(encode(record));
  }
  next.submissions.push_back(std::move(submission));
  in_flight_ = std::move(next);
  propose();
}

PrepareLimits DbNode::prepare_limits() const {
  return {.statement_time = options_.limits.statement_time,
          .max_rows = options_.limits.result_rows,
          .max_bytes = options_.limits.result_bytes,
          .max_kept_bytes = options_.limits.kept_result_bytes};
}

// Puts what was gathered before them in front of these.
void DbNode::take_back_gathered(std::vector<Submission>& submissions, Batch& batch) {
  InFlight gathered = std::move(*in_flight_);
  in_flight_.reset();
  std::ranges::move(submissions, std::back_inserter(gathered.submissions));
  std::ranges::move(batch, std::back_inserter(gathered.record.batch));
  submissions = std::move(gathered.submissions);
  batch = std::move(gathered.record.batch);
}

void DbNode::fail_preparing(std::vector<Submission> submissions, Batch batch, const Error& error) {
  for (std::size_t i = 0; i < submissions.size(); ++i)
    submissions[i].transaction = std::move(batch[i].transaction);
  if (error.code != ErrorCode::disk_full) {
    options_.observer.on_returned(std::move(submissions));
    return go_down(error);
  }
  // The other nodes would hardly fare better.
  for (Submission& submission : submissions) refuse(submission, error);
}

// To the batch that is gathered; what has failed is answered.
void DbNode::add_prepared(std::vector<Submission> submissions, Batch batch, BatchOutcome& outcome,
                          std::int64_t since_us) {
  auto& results = outcome.transactions;
  InFlight& gathered = *in_flight_;
  make_room(gathered.record.batch, results.size());
  make_room(gathered.results, results.size());
  make_room(gathered.submissions, results.size());
  for (std::size_t i = 0; i < submissions.size(); ++i) {
    if (!results[i]) {
      submissions[i].transaction = std::move(batch[i].transaction);
      refuse(submissions[i], results[i].error());
      continue;
    }
    for (const StatementResult& statement : results[i]->statements)
      gathered.row_counts.push_back(statement.rows_affected);
    gathered.bytes += submissions[i].bytes;
    gathered.record.batch.push_back(std::move(batch[i]));
    gathered.results.push_back(std::move(results[i]));
    gathered.submissions.push_back(std::move(submissions[i]));
  }
  const std::int64_t now = options_.writer.now_us();
  gathered.prepared_us += now - since_us;
  gathered.begun_us = now - gathered.prepared_us;
}

// No more comes to the batch: it is to be decided.
void DbNode::close_batch() {
  in_flight_->record.digest = held_->batch.outcome().digest;
  in_flight_->payload = std::make_shared<const std::string>(encode(in_flight_->record));
  if (in_flight_->mode == ConsistencyMode::dual_write && keeps(Rule::prepare_on_every_node))
    return prepare_on_others();
  propose();
}

// What is known of a transaction that may have been sent before: by its id (RecentOutcomes), and by its key.
std::optional<Result<WriteReceipt>> DbNode::known_outcome(const Submission& submission) {
  const Transaction& transaction = submission.transaction;
  if (transaction.forwarded) {
    if (const auto* outcome = recent_.find(transaction.id); outcome != nullptr) return *outcome;
  }
  if (transaction.key) {
    auto kept = outcome_under(*transaction.key);
    if (!kept) return std::unexpected(std::move(kept.error()));
    if (*kept) return std::move(**kept);
    return std::nullopt;
  }
  if (transaction.forwarded && !recent_.reaches_back_to(submission.since)) {
    return fail(ErrorCode::leadership_lost,
                "The leader changed, and the new one cannot tell any more what became of the transaction.",
                Outcome::unknown);
  }
  return std::nullopt;
}

bool DbNode::is_in_flight(const std::string& transaction_id) const {
  return in_flight_ && std::ranges::any_of(in_flight_->record.batch, [&](const TimedTransaction& timed) {
           return timed.transaction.id == transaction_id;
         });
}

// Answers those that were decided before, and puts those off that stand in the batch already.
std::vector<Submission> DbNode::without_repetitions(std::vector<Submission> submissions) {
  const auto may_be_repeated = [](const Submission& each) {
    return each.transaction.forwarded || each.transaction.key;
  };
  if (std::ranges::none_of(submissions, may_be_repeated)) return submissions;
  std::set<std::string> ids;
  std::set<std::string> keys;
  if (is_gathering() && keeps(Rule::look_among_gathered)) {
    for (const TimedTransaction& timed : in_flight_->record.batch) {
      if (timed.transaction.forwarded) ids.insert(timed.transaction.id);
      if (timed.transaction.key) keys.insert(timed.transaction.key->key);
    }
  }
  std::vector<Submission> fresh;
  std::vector<Submission> again;
  for (Submission& submission : submissions) {
    const Transaction& transaction = submission.transaction;
    if (auto outcome = known_outcome(submission)) {
      submission.done(std::move(*outcome));
    } else if ((transaction.forwarded && ids.contains(transaction.id)) ||
               (transaction.key && keys.contains(transaction.key->key))) {
      again.push_back(std::move(submission));
    } else {
      if (transaction.forwarded) ids.insert(transaction.id);
      if (transaction.key) keys.insert(transaction.key->key);
      fresh.push_back(std::move(submission));
    }
  }
  for (Submission& submission : again) {
    if (queue_.push(submission)) continue;  // what was forwarded is always taken
    refuse(submission, {.code = ErrorCode::overloaded,
                        .message = "Too many writes are waiting. Try again a little later."});
  }
  return fresh;
}

Batch DbNode::timed_batch(std::vector<Submission>& submissions) {
  Batch batch;
  batch.reserve(submissions.size());
  for (Submission& submission : submissions) {
    batch.push_back({.transaction = std::move(submission.transaction),
                     .clock_us = options_.writer.wall_clock_us(),
                     .seed = options_.writer.random()});
  }
  return batch;
}

// The others get as much more time as the statements took here, twice over.
void DbNode::prepare_on_others() {
  const std::int64_t now = options_.writer.now_us();
  in_flight_->stage = InFlight::Stage::preparing;
  in_flight_->prepare_deadline_us =
      now + to_us(options_.timing.prepare_timeout) + 2 * (now - in_flight_->begun_us);
  for (const NodeId& member : dual_write_nodes()) {
    in_flight_->prepares[member] = std::nullopt;
    send(member, PrepareRequest{.term = in_flight_->term,
                                .base = applied_.index,
                                .batch = in_flight_->record.id,
                                .payload = in_flight_->payload});
  }
  check_prepares();
}

void DbNode::check_prepares() {
  const bool late = options_.writer.now_us() >= in_flight_->prepare_deadline_us;
  bool all_hold = true;
  for (const auto& [member, reply] : in_flight_->prepares) {
    if (!reply) {
      all_hold = false;
      if (!late && options_.transport.is_reachable(member)) continue;
      return abandon({.code = ErrorCode::node_unavailable,
                      .message = "Node " + member +
                                 (late ? " did not prepare the transaction in time" : " is down") +
                                 ". In dual_write every data node must take it, so nothing was written.",
                      .node = member});
    }
    if (reply->refusal) {
      const bool sick = reply->refusal->code == ErrorCode::disk_full ||
                        reply->refusal->code == ErrorCode::io_error ||
                        reply->refusal->code == ErrorCode::quarantined;
      return abandon(
          {.code = sick ? ErrorCode::node_unavailable : ErrorCode::replica_mismatch,
           .message = "Node " + member +
                      " refused the transaction, so nothing was written anywhere: " + reply->refusal->message,
           .node = member});
    }
    if (reply->digest != in_flight_->record.digest || reply->row_counts != in_flight_->row_counts) {
      return abandon(
          {.code = ErrorCode::replica_mismatch,
           .message = "Node " + member + " computed another result, so nothing was written anywhere.",
           .node = member});
    }
  }
  if (all_hold) propose();
}

void DbNode::propose() {
  in_flight_->stage = InFlight::Stage::proposed;
  driver_->propose({.term = in_flight_->term,
                    .kind = in_flight_->kind,
                    .payload = in_flight_->payload,
                    .is_awaited = in_flight_->mode == ConsistencyMode::dual_write},
                   [this](ProposalAnswer answer) {
                     options_.writer.post([this, answer] {
                       if (!stopped_) on_proposal(answer);
                     });
                   });
}

void DbNode::on_proposal(const ProposalAnswer& answer) {
  if (!in_flight_ || in_flight_->stage != InFlight::Stage::proposed || in_flight_->position.index != 0)
    return;
  if (answer.refusal == Refusal::none) {
    in_flight_->position = answer.position;
    if (!keeps(Rule::answer_after_commit)) answer_in_flight();
    return;
  }
  if (answer.refusal == Refusal::change_too_big || answer.refusal == Refusal::not_caught_up) {
    fail_in_flight({.code = ErrorCode::malformed_request,
                    .message = answer.refusal == Refusal::not_caught_up
                                   ? "The node has not caught up with the others yet."
                                   : "The membership can change by one voter at a time only."});
  } else {
    give_back(true);
  }
  schedule_pump();
}

// Undoes the batch everywhere before it is proposed and answers it with `error`.
void DbNode::abandon(const Error& error) {
  assert(may_be_given_back());
  held_.reset();
  for (const auto& [member, reply] : in_flight_->prepares)
    send(member, ReleaseBatch{.batch = in_flight_->record.id});
  fail_in_flight(error);
  schedule_pump();
}

void DbNode::fail_in_flight(const Error& error) {
  InFlight failed = std::move(*in_flight_);
  in_flight_.reset();
  for (std::size_t i = 0; i < failed.submissions.size(); ++i) {
    if (failed.kind == EntryKind::batch)
      failed.submissions[i].transaction = std::move(failed.record.batch[i].transaction);
    if (failed.submissions[i].done) refuse(failed.submissions[i], error);
  }
}

// Of what was forwarded there may be several copies. The answer to this one may be the one that gets through, so it must
// be true of all: those that came before it, and those that are still to come.
void DbNode::refuse(Submission& submission, Error error) {
  if (submission.transaction.key && error.outcome == Outcome::not_applied)
    refused_keys_.remember(submission.transaction.key->key, applied_.index, std::unexpected(error));
  if (error.outcome == Outcome::not_applied && submission.transaction.forwarded) {
    const std::string& transaction_id = submission.transaction.id;
    if (const auto* known = recent_.find(transaction_id); known != nullptr) return submission.done(*known);
    if (is_in_flight(transaction_id)) {
      error.outcome = Outcome::unknown;
    } else {
      recent_.remember(transaction_id, applied_.index, std::unexpected(error));
    }
  }
  submission.done(std::unexpected(std::move(error)));
}

// Returns what surely was not applied, to be tried on whoever leads now: what is queued, and what is in flight if
// `in_flight_too`, which must then be certain. What the new leader may yet decide stays in flight until the log tells.
void DbNode::give_back(bool in_flight_too) {
  std::vector<Submission> back = queue_.take_all();
  if (in_flight_ && (in_flight_too || !keeps(Rule::not_applied_only_if_certain))) {
    InFlight lost = std::move(*in_flight_);
    in_flight_.reset();
    held_.reset();
    for (const auto& [member, reply] : lost.prepares) send(member, ReleaseBatch{.batch = lost.record.id});
    for (std::size_t i = 0; i < lost.submissions.size(); ++i) {
      if (!lost.submissions[i].done) continue;
      if (lost.kind == EntryKind::batch) {
        lost.submissions[i].transaction = std::move(lost.record.batch[i].transaction);
      }
      back.push_back(std::move(lost.submissions[i]));
    }
  }
  if (!back.empty()) options_.observer.on_returned(std::move(back));
}

// Fills in which nodes have it, as far as is known now.
void DbNode::name_nodes(WriteReceipt& receipt) const {
  for (const Member& each : membership_.members) {
    if (each.witness) continue;
    const NodeId& member = each.id;
    bool has = member == id();
    if (receipt.mode == ConsistencyMode::dual_write) {
      const auto report = reports_.find(member);
      has = has || (report != reports_.end() && report->second.applied.index >= receipt.index);
    } else {
      const auto match = matches_.find(member);
      has = has || (match != matches_.end() && match->second >= receipt.index);
    }
    (has ? receipt.committed : receipt.pending).push_back(member);
  }
}

void DbNode::answer_in_flight() {
  InFlight done = std::move(*in_flight_);
  in_flight_.reset();
  // Whoever misses a batch waits until the next one is decided, about two batches; that is also what waiting for them may
  // cost.
  const std::int64_t now = options_.writer.now_us();
  queue_.expect(done.submissions.size(),
                now + std::min(2 * (now - done.begun_us), to_us(options_.timing.gather)));
  WriteReceipt receipt{.index = done.position.index, .term = done.position.term, .mode = done.mode};
  name_nodes(receipt);
  for (std::size_t i = 0; i < done.submissions.size(); ++i) {
    WriteReceipt own = receipt;
    if (done.kind == EntryKind::batch) {
      own.transaction_id = done.record.batch[i].transaction.id;
      own.result = std::move(*done.results[i]);
      if (done.record.batch[i].transaction.forwarded) recent_.remember(own.transaction_id, own.index, own);
    }
    if (done.submissions[i].done) done.submissions[i].done(std::move(own));
  }
}

void DbNode::expire_in_flight(std::int64_t now_us) {
  if (!in_flight_) return;
  const bool proposed = in_flight_->stage == InFlight::Stage::proposed;
  const Error late{.code = ErrorCode::deadline_exceeded,
                   .message = proposed
                                  ? "The deadline passed while the transaction was being decided."
                                  : "The deadline passed before every node had prepared the transaction.",
                   .outcome = proposed ? Outcome::unknown : Outcome::not_applied};
  // While nobody leads, nothing is decided: those who wait are told early.
  const bool leaderless = proposed && leadership_.leader.empty() &&
                          now_us - leaderless_since_us_ > to_us(options_.timing.election_timeout);
  bool any_left = false;
  for (Submission& submission : in_flight_->submissions) {
    if (!submission.done) continue;
    if (submission.deadline_us > now_us && !leaderless) {
      any_left = true;
    } else if (proposed) {
      std::exchange(submission.done, nullptr)(std::unexpected(late));
    }
  }
  // A batch in preparation is one: it goes on for the transactions that still have time, and the others see how it ends.
  if (!proposed && !any_left) abandon(late);
}

}  // namespace quorate
