// The queue in front of the leader's writer: what arrives while a batch is being decided becomes the next batch (group
// commit, as in ClickHouse Keeper and LevelDB). The clients of a batch that has just been answered mostly send their next
// transactions at once; so that these do not become a small batch, which the others must wait for, the next batch may wait
// for as many (as PostgreSQL's commit_delay does, but only when they can be expected, and for no longer than a batch takes).
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/cluster_config.hpp"
#include "core/consensus/types.hpp"
#include "core/transport.hpp"

namespace quorate {

// One thing to be decided: a transaction (EntryKind::batch), or another kind of entry with its payload.
struct Submission {
  EntryKind kind = EntryKind::batch;
  Transaction transaction = {};
  std::shared_ptr<const std::string> payload = {};
  std::optional<MemberCall> change = {};      // EntryKind::membership: what the payload is made from
  std::optional<RestoreRecord> restore = {};  // EntryKind::restore: likewise
  Index since = 0;                            // WriteCall::since
  bool for_another = false;                   // another process has sent it here, and tries again if need be
  bool in_doubt = false;                 // sent to a leader that has not answered: it may have been applied
  std::size_t bytes = 0;                 // what it counts against queue_bytes
  std::int64_t deadline_us = 0;          // on the steady clock
  std::int64_t leaderless_since_us = 0;  // when no leader was found for it; 0: one was, when last looked for
  std::move_only_function<void(Result<WriteReceipt>)> done = {};  // exactly once
  RequestContext context = {};                                    // goes along when it is forwarded
};

// A fair estimate of what a transaction occupies in memory and log.
std::size_t size_of(const Transaction& transaction);

// Any thread.
class CommitQueue {
 public:
  explicit CommitQueue(const CoreLimits& limits) : limits_(limits) {}

  // False, and the submission untouched, if the queue is full. One that was forwarded is always taken: the process that it
  // comes from has counted it, and a refusal that did not look for earlier copies would not be the truth.
  [[nodiscard]] bool push(Submission& submission);

  // A batch that is being gathered: what has been taken for it so far.
  struct Begun {
    ConsistencyMode mode = ConsistencyMode::quorum;
    std::size_t transactions = 0;
    std::size_t bytes = 0;
  };
  // The next batch, or more for the one that has been begun: transactions that will be decided under the same mode, up to
  // the batch limits, or one submission of another kind. Empty if there is nothing, or nothing that belongs to it.
  std::vector<Submission> take_batch(ConsistencyMode cluster_mode, std::optional<Begun> begun = {});

  // The clients of a batch of so many have just been answered. What has come meanwhile waits for them until then, unless it
  // is half as many: then it is a batch, or transactions come in a stream, whose next ones are other clients'.
  void expect(std::size_t returning, std::int64_t until_us);
  // Until when to wait before what is there is taken; nothing if it should be taken now, be it as a part of a batch that
  // goes on gathering.
  std::optional<std::int64_t> gathers_until(std::int64_t now_us) const;
  // Whether a batch that has taken all that belongs to it should wait for more.
  bool expects_more(std::int64_t now_us) const;

  std::vector<Submission> take_expired(std::int64_t now_us);
  std::vector<Submission> take_all();
  bool empty() const;
  std::size_t size() const;
  // Whether a transaction with this key waits.
  bool has_key(const std::string& key) const;

 private:
  Submission take_front();
  bool waits(std::int64_t now_us) const;

  const CoreLimits limits_;
  mutable std::mutex mutex_;
  std::deque<Submission> submissions_;  // guarded by mutex_
  std::size_t bytes_ = 0;               // guarded by mutex_
  std::size_t expected_ = 0;  // guarded by mutex_; how many are to be taken, those that wait included
  std::int64_t expected_until_us_ = 0;  // guarded by mutex_
};

}  // namespace quorate
