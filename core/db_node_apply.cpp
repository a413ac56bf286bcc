// Committing what the log has decided, in log order.
#include <algorithm>
#include <cassert>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {
namespace {

constexpr std::int64_t kReportIntervalUs = 100'000;

}  // namespace

void DbNode::apply_ready() {
  bool any = false;
  while (!to_apply_.empty() && is_running() && !stopped_) {
    const Entry entry = to_apply_.front();
    if (waits_for_backups(entry)) break;
    if (auto result = apply(entry); !result) {
      // The decision stands: every future leader has it, only this node has not.
      if (in_flight_ && in_flight_->position == entry.position()) answer_in_flight();
      return go_down(std::move(result.error()));
    }
    to_apply_.pop_front();
    if (is_replaced_) return install_replacement(entry);
    any = true;
    applied_ = entry.position();
    applied_index_ = applied_.index;
    publish();  // before anybody is answered: who asks next must see it
    settle(entry);
  }
  if (any) {
    driver_->applied(applied_.index);
    flush_if_due();
    report_progress(report_due_);
    wake_waiters();
    if (waiting_prepare_ && waiting_prepare_->second.base <= applied_.index) {
      auto [leader, request] = std::move(*std::exchange(waiting_prepare_, std::nullopt));
      prepare_for(leader, std::move(request));
    }
  }
  pump();
}

// DualWrite, design §5.6: backups commit first, then the master; one that does not, is not waited for for long.
bool DbNode::waits_for_backups(const Entry& entry) {
  if (!in_flight_ || in_flight_->kind != EntryKind::batch || in_flight_->mode != ConsistencyMode::dual_write)
    return false;
  if (in_flight_->position != entry.position() || !leads_ || leadership_.term != in_flight_->term)
    return false;
  const std::int64_t now = options_.writer.now_us();
  if (in_flight_->commit_deadline_us == 0)
    in_flight_->commit_deadline_us = now + to_us(options_.timing.commit_wait);
  if (now >= in_flight_->commit_deadline_us) return false;
  return std::ranges::any_of(dual_write_nodes(), [&](const NodeId& member) {
    if (!options_.transport.is_reachable(member)) return false;
    const auto report = reports_.find(member);
    return report == reports_.end() || report->second.applied.index < entry.index;
  });
}

Result<void> DbNode::apply(const Entry& entry) {
  assert(!is_gathering());  // nothing is decided between two batches of a leader
  unflushed_bytes_ += entry.bytes();
  ++unflushed_entries_;
  switch (entry.kind) {
    case EntryKind::batch: return apply_batch(entry);
    case EntryKind::noop: return apply_empty(entry, {});
    case EntryKind::membership: {
      auto membership = parse_membership(*entry.payload);
      if (!membership) return std::unexpected(membership.error());
      auto result = apply_empty(entry, {.membership = *membership});
      if (result) membership_ = std::move(*membership);
      return result;
    }
    case EntryKind::mode: {
      const auto mode = decode_mode(*entry.payload);
      if (!mode) return std::unexpected(mode.error());
      auto result = apply_empty(entry, {.mode = *mode});
      if (result) mode_ = *mode;
      return result;
    }
    case EntryKind::restore: return apply_restore(entry);
    case EntryKind::barrier: {
      const auto barrier = decode_barrier(*entry.payload);
      if (!barrier) return std::unexpected(barrier.error());
      auto result = apply_empty(entry, {});
      if (result) report_content(*barrier, entry.index);
      return result;
    }
  }
  return fail(ErrorCode::corrupt, "entry " + std::to_string(entry.index) + " is of an unknown kind");
}

Result<void> DbNode::apply_empty(const Entry& entry, const MetaChange& change) {
  held_.reset();
  auto prepared = prepare_batch(*options_.engine, {}, {});
  if (!prepared) return std::unexpected(prepared.error());
  return prepared->commit(entry.position(), change);
}

Result<void> DbNode::apply_batch(const Entry& entry) {
  const auto batch_id = decode_batch_id(*entry.payload);
  if (!batch_id) return std::unexpected(batch_id.error());
  if (held_ && (held_->id == *batch_id || !keeps(Rule::match_held_batch))) {
    Held held = std::move(*held_);
    held_.reset();
    if (held.mode == ConsistencyMode::dual_write) report_due_ = true;
    const bool is_own = in_flight_ && in_flight_->record.id == held.id;
    const BatchRecord& record = is_own ? in_flight_->record : held.record;
    auto& results = is_own ? in_flight_->results : held.batch.outcome().transactions;
    auto done = held.batch.commit(entry.position(),
                                  {.outcomes = outcomes_to_keep(record, results, entry.position())});
    if (done && !is_own) remember(record, results, entry.position());
    return done;
  }
  held_.reset();
  auto record = decode_batch(*entry.payload);
  if (!record) return std::unexpected(record.error());
  if (record->mode == ConsistencyMode::dual_write) report_due_ = true;
  auto prepared = prepare_batch(*options_.engine, record->batch, {});
  if (!prepared) return std::unexpected(prepared.error());
  for (const auto& result : prepared->outcome().transactions) {
    if (result || !keeps(Rule::compare_digests)) continue;
    return fail(ErrorCode::quarantined,
                "Entry " + std::to_string(entry.index) +
                    ", which succeeded on the leader, failed here: " + result.error().message);
  }
  if (prepared->outcome().digest != record->digest && keeps(Rule::compare_digests)) {
    return fail(ErrorCode::quarantined, "Entry " + std::to_string(entry.index) + " gave digest " +
                                            to_string(prepared->outcome().digest) + " here and " +
                                            to_string(record->digest) + " on the leader.");
  }
  auto results = std::move(prepared->outcome().transactions);
  auto done =
      prepared->commit(entry.position(), {.outcomes = outcomes_to_keep(*record, results, entry.position())});
  if (done) remember(*record, results, entry.position());
  return done;
}

// Keeps the outcomes of what may be sent again, should this node come to lead.
void DbNode::remember(const BatchRecord& record, std::vector<Result<TransactionResult>>& results,
                      Position at) {
  for (std::size_t i = 0; i < record.batch.size(); ++i) {
    const Transaction& transaction = record.batch[i].transaction;
    if (!transaction.forwarded || !results[i]) continue;
    WriteReceipt receipt{.transaction_id = transaction.id,
                         .index = at.index,
                         .term = at.term,
                         .mode = record.mode,
                         .result = std::move(*results[i])};
    receipt.committed.push_back(id());
    for (const NodeId& member : other_members()) receipt.pending.push_back(member);
    recent_.remember(transaction.id, at.index, std::move(receipt));
  }
}

// Answers what was proposed for this entry's place: applied, or surely not.
void DbNode::settle(const Entry& entry) {
  if (entry.kind != EntryKind::restore) restore_refusal_.reset();
  if (!in_flight_ || in_flight_->position.index != entry.index) return;
  if (in_flight_->position.term == entry.term) {
    if (restore_refusal_) return fail_in_flight(*std::exchange(restore_refusal_, std::nullopt));
    return answer_in_flight();
  }
  give_back(true);
}

void DbNode::report_progress(bool now) {
  const std::int64_t time = options_.writer.now_us();
  if (!now && time - last_report_us_ < kReportIntervalUs) return;
  last_report_us_ = time;
  report_due_ = false;
  if (leadership_.leader.empty() || leadership_.leader == id()) return;
  send(leadership_.leader, AppliedReport{.applied = applied_,
                                         .durable = durable_,
                                         .digest = options_.engine->get_version().second,
                                         .state = state_,
                                         .detail = detail_,
                                         .engine = options_.engine_name,
                                         .api_url = options_.api_url});
}

void DbNode::flush_if_due() {
  const CoreLimits& limits = options_.limits;
  const std::uint64_t flush_bytes = std::min<std::uint64_t>(limits.flush_bytes, limits.log_retain_bytes);
  if (unflushed_bytes_ < flush_bytes && unflushed_entries_ < limits.flush_entries) return;
  unflushed_bytes_ = 0;
  unflushed_entries_ = 0;
  // A failure here loses nothing: the log keeps what the database has not made durable, and the next commit will tell.
  if (auto durable = options_.engine->flush()) durable_ = std::max(durable_, *durable);
  compact_if_due();
}

// Leader: the log is needed back to the member whose database is the least durable, within what is to be retained.
void DbNode::compact_if_due() {
  if (!leads_) return;
  Index floor = durable_;
  for (const Member& member : membership_.members) {
    if (member.id == id() || member.witness) continue;
    const auto report = reports_.find(member.id);
    floor = std::min(floor, report == reports_.end() ? 0 : report->second.durable);
  }
  floor = std::max(floor, std::min(retention_floor(), durable_));
  // Whoever receives the snapshot goes on from there; without the log it would have to begin again, and again.
  if (lent_) floor = std::min(floor, lent_->info.position.index);
  if (floor <= compacted_below_) return;
  compacted_below_ = floor;
  for (const NodeId& member : other_members()) send(member, CompactBelow{.index = floor});
  driver_->compact(floor);
}

// Below this index the log is more than is to be retained, if its entries are of about equal size.
Index DbNode::retention_floor() const {
  const ConsensusDriver::View view = driver_->view();
  const std::uint64_t limit = options_.limits.log_retain_bytes;
  if (view.log_bytes <= limit) return 0;
  const double surplus = static_cast<double>(view.log_bytes - limit) / static_cast<double>(view.log_bytes);
  return view.base + static_cast<Index>(surplus * static_cast<double>(view.last_index - view.base));
}

// DualWrite on a backup: hold the leader's batch, or say why not.
void DbNode::prepare_for(const NodeId& leader, PrepareRequest request) {
  PrepareReply answer{.term = request.term, .batch = request.batch};
  const auto refuse = [&](Error error) {
    answer.refusal = std::move(error);
    send(leader, std::move(answer));
  };
  if (leads_ || request.base < applied_.index || !is_running())
    return;  // from before what is decided since: nobody waits for this
  held_.reset();
  auto record = decode_batch(*request.payload);
  if (!record) return refuse(record.error());
  auto prepared = prepare_batch(*options_.engine, record->batch, {});
  if (!prepared) {
    const Error& error = prepared.error();
    refuse(error);
    if (error.code != ErrorCode::disk_full) go_down(error);
    return;
  }
  for (const auto& result : prepared->outcome().transactions) {
    if (!result) return refuse(result.error());
    for (const StatementResult& statement : result->statements)
      answer.row_counts.push_back(statement.rows_affected);
  }
  answer.digest = prepared->outcome().digest;
  held_.emplace(Held{.id = request.batch,
                     .mode = record->mode,
                     .batch = std::move(*prepared),
                     .since_us = options_.writer.now_us(),
                     .record = std::move(*record)});
  send(leader, std::move(answer));
}

}  // namespace quorate
