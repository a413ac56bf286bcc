#include "core/consensus/driver.hpp"

#include <exception>
#include <utility>

namespace quorate {

ConsensusDriver::ConsensusDriver(Options options, StoredLog stored)
    : options_(std::move(options)),
      raft_(options_.raft, std::move(stored), options_.log, options_.applied),
      applied_(options_.applied),
      delivered_(options_.applied) {}

void ConsensusDriver::start() {
  options_.executor.post([this] { run(); });
}

void ConsensusDriver::stop() {
  stopped_ = true;
  fail_reads();
}

void ConsensusDriver::fail_reads() {
  std::unordered_map<std::uint64_t, ReadCallback> unanswered;
  {
    const std::lock_guard lock(mutex_);
    unanswered.swap(reads_);
  }
  for (auto& [id, done] : unanswered) done({.id = id});
}

void ConsensusDriver::propose(Proposal proposal, ProposalCallback done) {
  {
    const std::lock_guard lock(mutex_);
    proposal.id = next_id_++;
    proposals_.emplace(proposal.id, std::move(done));
  }
  enqueue(std::move(proposal));
}

void ConsensusDriver::read_index(ReadCallback done) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    reads_.emplace(id, std::move(done));
  }
  if (stopped_) return fail_reads();
  enqueue(ReadRequest{.id = id});
}

void ConsensusDriver::receive(NodeId from, Instance instance, RaftBody body) {
  enqueue(Received{
      {.from = std::move(from), .to = options_.raft.id, .body = std::move(body), .instance = instance}});
}

void ConsensusDriver::peer_lost(NodeId node) {
  enqueue(PeerLost{std::move(node)});
}

void ConsensusDriver::transfer(NodeId to) {
  enqueue(Transfer{std::move(to)});
}

void ConsensusDriver::applied(Index index) {
  applied_ = index;
  if (delivery_stalled_.exchange(false)) options_.executor.post([this] { run(); });
}

void ConsensusDriver::compact(Index index) {
  options_.executor.post([this, index] {
    if (stopped_ || index <= raft_.log().base().index || index > applied_) return;
    const Position base{.index = index, .term = raft_.log().term_at(index)};
    const auto result = options_.log.compact(base, raft_.log().membership_at(index));
    if (!result) return fail_log(result.error());
    // At once, so that the next call sees it.
    const Event compacted = Compacted{base};
    carry_out(raft_.step({&compacted, 1}));
  });
}

ConsensusDriver::View ConsensusDriver::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

Leadership ConsensusDriver::leadership() const {
  const std::lock_guard lock(view_mutex_);
  return view_.leadership;
}

void ConsensusDriver::enqueue(Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    if (std::exchange(run_posted_, true)) return;
  }
  options_.executor.post([this] {
    {
      const std::lock_guard lock(mutex_);
      run_posted_ = false;
    }
    run();
  });
}

void ConsensusDriver::run() {
  if (stopped_) return;
  std::vector<Event> events{Tick{.now = options_.executor.now_us(), .random = options_.executor.random()}};
  {
    const std::lock_guard lock(mutex_);
    events.insert(events.end(), std::make_move_iterator(events_.begin()),
                  std::make_move_iterator(events_.end()));
    events_.clear();
  }
  try {
    carry_out(raft_.step(events));
    if (!stopped_) deliver();
  } catch (const std::exception& failure) {  // the log cannot be read back
    fail_log({.code = ErrorCode::io_error, .message = failure.what()});
  }
  if (stopped_) return;
  arm_timer();
}

void ConsensusDriver::fail_log(Error error) {
  if (stopped_.exchange(true)) return;
  fail_reads();
  options_.listener.on_log_failure(std::move(error));
}

void ConsensusDriver::carry_out(Effects effects) {
  send(effects.send_now);
  if (options_.raft.broken == Rule::persist_before_reply) send(effects.send);
  if (effects.committed != 0) commit_ = effects.committed;
  const bool writes = !effects.log.empty();
  if (writes) {
    deliver();  // what is decided is applied while the disk is waited for
    const auto result = options_.log.write(effects.log);
    if (!result) return fail_log(result.error());
  }
  send(effects.send);
  publish();
  answer(effects);
  if (!writes) return;
  const Event persisted = Persisted{.hard_term = raft_.term(), .last = raft_.log().last()};
  carry_out(raft_.step({&persisted, 1}));
}

void ConsensusDriver::send(std::vector<RaftMessage>& messages) {
  for (RaftMessage& message : messages) {
    options_.transport.send({.from = std::move(message.from),
                             .to = std::move(message.to),
                             .body = std::move(message.body),
                             .instance = options_.raft.instance});
  }
  messages.clear();
}

void ConsensusDriver::answer(Effects& effects) {
  const auto take = [this](auto& callbacks, std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    auto node = callbacks.extract(id);
    return node.empty() ? nullptr : std::move(node.mapped());
  };
  for (const ProposalAnswer& proposal : effects.proposals) {
    if (auto done = take(proposals_, proposal.id)) done(proposal);
  }
  for (const ReadAnswer& read : effects.reads) {
    if (auto done = take(reads_, read.id)) done(read);
  }
  if (effects.snapshot_wanted) {
    options_.listener.on_snapshot_wanted(raft_.leader(), std::move(*effects.snapshot_wanted));
  }
}

void ConsensusDriver::deliver() {
  if (!options_.delivers) return;
  const Index applied = applied_;
  while (!outstanding_.empty() && outstanding_.front().first <= applied) {
    outstanding_bytes_ -= outstanding_.front().second;
    outstanding_.pop_front();
  }
  while (delivered_ < commit_) {
    if (outstanding_bytes_ >= options_.delivery_bytes) {
      delivery_stalled_ = true;
      // What was applied in between found nothing stalled and woke nobody.
      if (applied_ != applied) options_.executor.post([this] { run(); });
      return;
    }
    Committed committed{.entries = raft_.log().read(delivered_ + 1, commit_, 1024UL * 1024), .matches = {}};
    std::size_t bytes = 0;
    for (const Entry& entry : committed.entries) bytes += entry.bytes();
    delivered_ = committed.entries.back().index;
    outstanding_.emplace_back(delivered_, bytes);
    outstanding_bytes_ += bytes;
    for (const auto& [id, peer] : raft_.peers()) committed.matches[id] = peer.match;
    options_.listener.on_committed(std::move(committed));
  }
}

void ConsensusDriver::publish() {
  Leadership now{.role = raft_.role(), .term = raft_.term(), .leader = raft_.leader()};
  if (now.role == Role::leader) now.term_start = raft_.term_start();
  std::shared_ptr<const Membership> membership = view_.membership;  // only this thread writes view_
  if (membership == nullptr || *membership != raft_.log().membership()) {
    membership = std::make_shared<const Membership>(raft_.log().membership());
  }
  {
    const std::lock_guard lock(view_mutex_);
    view_ = {.leadership = now,
             .commit = raft_.commit_index(),
             .leader_commit = raft_.leader_commit(),
             .last_leader_contact = raft_.last_leader_contact(),
             .last_index = raft_.log().last_index(),
             .base = raft_.log().base().index,
             .membership = membership,
             .membership_index = raft_.log().membership_index(),
             .log_bytes = options_.log.bytes(),
             .peers = raft_.peers()};
  }
  ++views_published_;
  if (now == reported_) return;
  reported_ = now;
  options_.listener.on_leadership(std::move(now));
}

// At most one timer counts: when it fires early because the deadline has moved on, it is set again.
void ConsensusDriver::arm_timer() {
  const TimeUs deadline = raft_.next_deadline();
  if (timer_armed_for_ != 0 && timer_armed_for_ <= deadline) return;
  timer_armed_for_ = deadline;
  options_.executor.post_at(deadline, [this, deadline] {
    if (timer_armed_for_ != deadline || stopped_) return;
    timer_armed_for_ = 0;
    if (options_.executor.now_us() >= raft_.next_deadline()) return run();
    arm_timer();
  });
}

}  // namespace quorate
