#include "core/commit_queue.hpp"

#include <algorithm>
#include <utility>

namespace quorate {

std::size_t size_of(const Transaction& transaction) {
  std::size_t bytes = sizeof(Submission) + transaction.id.size();
  if (transaction.key) bytes += transaction.key->key.size();
  for (const Statement& statement : transaction.statements) {
    bytes += sizeof(Statement) + statement.sql.size() + statement.rows.bytes().size();
    for (const Value& value : statement.parameters.positional) bytes += size_of(value);
    for (const auto& [name, value] : statement.parameters.named) bytes += name.size() + size_of(value);
  }
  return bytes;
}

bool CommitQueue::push(Submission& submission) {
  const std::lock_guard lock(mutex_);
  const bool full = submissions_.size() >= limits_.queue_transactions ||
                    (!submissions_.empty() && bytes_ + submission.bytes > limits_.queue_bytes);
  if (full && !submission.transaction.forwarded) return false;
  bytes_ += submission.bytes;
  submissions_.push_back(std::move(submission));
  return true;
}

std::vector<Submission> CommitQueue::take_batch(ConsistencyMode cluster_mode, std::optional<Begun> begun) {
  const auto mode_of = [cluster_mode](const Submission& submission) {
    return stronger(cluster_mode, submission.transaction.mode.value_or(cluster_mode));
  };
  std::vector<Submission> batch;
  const std::lock_guard lock(mutex_);
  batch.reserve(std::min(submissions_.size(), limits_.batch_transactions));
  while (!submissions_.empty()) {
    const Submission& front = submissions_.front();
    if (begun) {
      const bool fits = begun->transactions < limits_.batch_transactions &&
                        begun->bytes + front.bytes <= limits_.batch_bytes;
      const bool belongs = front.kind == EntryKind::batch && mode_of(front) == begun->mode;
      if (!fits || !belongs) break;
    } else {
      begun = {.mode = mode_of(front)};
    }
    ++begun->transactions;
    begun->bytes += front.bytes;
    batch.push_back(take_front());
    if (batch.front().kind != EntryKind::batch) break;
  }
  expected_ -= std::min(expected_, batch.size());
  return batch;
}

void CommitQueue::expect(std::size_t returning, std::int64_t until_us) {
  const std::lock_guard lock(mutex_);
  const std::size_t waiting = submissions_.size();
  const bool are_awaited = 2 * waiting < returning;
  // One alone waits for nobody, and nobody for it.
  expected_ = are_awaited && waiting + returning > 1
                  ? std::min({waiting + returning, limits_.batch_transactions, limits_.queue_transactions})
                  : 0;
  expected_until_us_ = until_us;
}

std::optional<std::int64_t> CommitQueue::gathers_until(std::int64_t now_us) const {
  const std::lock_guard lock(mutex_);
  if (!waits(now_us) || submissions_.size() >= limits_.batch_part_transactions) return std::nullopt;
  return expected_until_us_;
}

bool CommitQueue::expects_more(std::int64_t now_us) const {
  const std::lock_guard lock(mutex_);
  return waits(now_us);
}

bool CommitQueue::waits(std::int64_t now_us) const {
  return submissions_.size() < expected_ && bytes_ < limits_.batch_bytes && now_us < expected_until_us_;
}

std::vector<Submission> CommitQueue::take_expired(std::int64_t now_us) {
  std::vector<Submission> expired;
  const std::lock_guard lock(mutex_);
  const auto is_due = [now_us](const Submission& submission) { return submission.deadline_us <= now_us; };
  if (std::ranges::none_of(submissions_, is_due)) return expired;
  std::deque<Submission> kept;
  while (!submissions_.empty()) {
    const bool due = is_due(submissions_.front());
    if (due) {
      expired.push_back(take_front());
    } else {
      kept.push_back(std::move(submissions_.front()));
      submissions_.pop_front();
    }
  }
  submissions_ = std::move(kept);
  return expired;
}

std::vector<Submission> CommitQueue::take_all() {
  std::vector<Submission> all;
  const std::lock_guard lock(mutex_);
  while (!submissions_.empty()) all.push_back(take_front());
  return all;
}

std::size_t CommitQueue::size() const {
  const std::lock_guard lock(mutex_);
  return submissions_.size();
}

bool CommitQueue::has_key(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(submissions_, [&](const Submission& submission) {
    return submission.transaction.key && submission.transaction.key->key == key;
  });
}

bool CommitQueue::empty() const {
  const std::lock_guard lock(mutex_);
  return submissions_.empty();
}

Submission CommitQueue::take_front() {
  Submission front = std::move(submissions_.front());
  submissions_.pop_front();
  bytes_ -= front.bytes;
  return front;
}

}  // namespace quorate
