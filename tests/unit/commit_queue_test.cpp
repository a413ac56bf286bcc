#include "core/commit_queue.hpp"

#include <doctest/doctest.h>

namespace quorate {
namespace {

Submission transaction(const std::string& id, std::optional<ConsistencyMode> mode = {},
                       std::int64_t deadline_us = 100) {
  Submission submission{.kind = EntryKind::batch, .bytes = 10, .deadline_us = deadline_us};
  submission.transaction.id = id;
  submission.transaction.mode = mode;
  return submission;
}

void push(CommitQueue& queue, Submission submission) {
  REQUIRE(queue.push(submission));
}

TEST_CASE("a batch keeps the order and takes what is decided under one mode") {
  CommitQueue queue{CoreLimits{}};
  push(queue, transaction("a"));
  push(queue, transaction("b"));
  push(queue, transaction("c", ConsistencyMode::dual_write));
  push(queue, transaction("d"));
  auto batch = queue.take_batch(ConsistencyMode::quorum);
  REQUIRE(batch.size() == 2);
  CHECK(batch[0].transaction.id == "a");
  CHECK(batch[1].transaction.id == "b");
  CHECK(queue.take_batch(ConsistencyMode::quorum)[0].transaction.id == "c");
  CHECK(queue.take_batch(ConsistencyMode::dual_write)[0].transaction.id == "d");
  CHECK(queue.take_batch(ConsistencyMode::quorum).empty());
}

TEST_CASE("a batch waits for those that can be expected, until they are there or their time is over") {
  CommitQueue queue{CoreLimits{}};
  CHECK_FALSE(queue.gathers_until(10));
  queue.expect(2, 50);
  CHECK(queue.gathers_until(10) == 50);
  push(queue, transaction("a"));
  CHECK(queue.gathers_until(49) == 50);
  CHECK_FALSE(queue.gathers_until(50));
  push(queue, transaction("b"));
  CHECK_FALSE(queue.gathers_until(10));
}

TEST_CASE("what came while a batch was decided waits with those who come back") {
  CommitQueue queue{CoreLimits{}};
  push(queue, transaction("late"));
  queue.expect(3, 50);
  push(queue, transaction("a"));
  push(queue, transaction("b"));
  CHECK(queue.gathers_until(10) == 50);
  push(queue, transaction("c"));
  CHECK_FALSE(queue.gathers_until(10));
}

TEST_CASE("a batch that waits for more is begun with a part of it, and takes the rest in parts") {
  CoreLimits limits;
  limits.batch_part_transactions = 2;
  limits.batch_transactions = 5;
  CommitQueue queue{limits};
  queue.expect(5, 50);
  push(queue, transaction("a"));
  CHECK(queue.gathers_until(10) == 50);
  push(queue, transaction("b"));
  CHECK_FALSE(queue.gathers_until(10));
  CHECK(queue.take_batch(ConsistencyMode::quorum).size() == 2);
  CHECK(queue.expects_more(10));
  CHECK(queue.gathers_until(10) == 50);
  CHECK_FALSE(queue.expects_more(50));
  CHECK_FALSE(queue.gathers_until(50));
  for (const char* const id : {"c", "d", "e", "beyond"}) push(queue, transaction(id));
  const CommitQueue::Begun begun{.mode = ConsistencyMode::quorum, .transactions = 2, .bytes = 20};
  CHECK(queue.take_batch(ConsistencyMode::quorum, begun).size() == 3);
  CHECK_FALSE(queue.expects_more(10));
}

TEST_CASE("what does not belong to a batch that is gathered stays in the queue") {
  CoreLimits limits;
  limits.batch_bytes = 25;
  CommitQueue queue{limits};
  push(queue, transaction("a"));
  const CommitQueue::Begun quorum{.mode = ConsistencyMode::quorum, .transactions = 1, .bytes = 10};
  const CommitQueue::Begun dual_write{.mode = ConsistencyMode::dual_write, .transactions = 1, .bytes = 10};
  const CommitQueue::Begun full{.mode = ConsistencyMode::quorum, .transactions = 2, .bytes = 20};
  CHECK(queue.take_batch(ConsistencyMode::quorum, dual_write).empty());
  CHECK(queue.take_batch(ConsistencyMode::quorum, full).empty());
  CHECK(queue.take_batch(ConsistencyMode::quorum, quorum).size() == 1);
  push(queue, {.kind = EntryKind::mode, .deadline_us = 100});
  CHECK(queue.take_batch(ConsistencyMode::quorum, quorum).empty());
}

TEST_CASE("what comes in a stream waits for nobody") {
  CommitQueue queue{CoreLimits{}};
  push(queue, transaction("a"));
  push(queue, transaction("b"));
  queue.expect(4, 50);
  CHECK_FALSE(queue.gathers_until(10));
}

TEST_CASE("nobody waits for a single client") {
  CommitQueue queue{CoreLimits{}};
  queue.expect(1, 50);
  CHECK_FALSE(queue.gathers_until(10));
}

TEST_CASE("no more are waited for than a batch can hold") {
  CoreLimits limits;
  limits.batch_transactions = 2;
  CommitQueue by_count{limits};
  by_count.expect(3, 50);
  push(by_count, transaction("a"));
  CHECK(by_count.gathers_until(10) == 50);
  push(by_count, transaction("b"));
  CHECK_FALSE(by_count.gathers_until(10));
  limits.batch_bytes = 10;
  CommitQueue by_bytes{limits};
  by_bytes.expect(3, 50);
  push(by_bytes, transaction("a"));
  CHECK_FALSE(by_bytes.gathers_until(10));
}

TEST_CASE("another kind of entry goes alone") {
  CommitQueue queue{CoreLimits{}};
  push(queue, {.kind = EntryKind::mode, .deadline_us = 100});
  push(queue, transaction("a"));
  push(queue, {.kind = EntryKind::barrier, .deadline_us = 100});
  CHECK(queue.take_batch(ConsistencyMode::quorum).size() == 1);
  CHECK(queue.take_batch(ConsistencyMode::quorum)[0].transaction.id == "a");
  CHECK(queue.take_batch(ConsistencyMode::quorum)[0].kind == EntryKind::barrier);
}

TEST_CASE("a full queue refuses and leaves the submission untouched") {
  CoreLimits limits;
  limits.queue_transactions = 2;
  CommitQueue queue{limits};
  push(queue, transaction("a"));
  push(queue, transaction("b"));
  Submission third = transaction("c");
  CHECK_FALSE(queue.push(third));
  CHECK(third.transaction.id == "c");
}

TEST_CASE("bytes bound the queue and the batch, but one transaction always fits") {
  CoreLimits limits;
  limits.queue_bytes = 25;
  limits.batch_bytes = 15;
  CommitQueue queue{limits};
  push(queue, transaction("a"));
  push(queue, transaction("b"));
  Submission third = transaction("c");
  CHECK_FALSE(queue.push(third));
  CHECK(queue.take_batch(ConsistencyMode::quorum).size() == 1);
  CHECK(queue.take_batch(ConsistencyMode::quorum).size() == 1);
  Submission huge = transaction("huge");
  huge.bytes = 1000;
  CHECK(queue.push(huge));
  CHECK(queue.take_batch(ConsistencyMode::quorum).size() == 1);
}

TEST_CASE("only what is due is taken as expired") {
  CommitQueue queue{CoreLimits{}};
  push(queue, transaction("early", {}, 10));
  push(queue, transaction("late", {}, 99));
  const auto expired = queue.take_expired(50);
  REQUIRE(expired.size() == 1);
  CHECK(expired[0].transaction.id == "early");
  CHECK(queue.take_all().size() == 1);
  CHECK(queue.empty());
}

}  // namespace
}  // namespace quorate
