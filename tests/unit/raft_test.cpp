// The consensus core, driven by hand where the simulator cannot see the rule: costs, and exact replies.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/participant.hpp"

namespace quorate {
namespace {

// Delivers messages between two participants, and to nobody else, until silence; returns how many there were.
std::size_t converse(Participant& a, Participant& b, std::vector<RaftMessage> messages, std::size_t limit) {
  std::size_t count = 0;
  while (!messages.empty() && count < limit) {
    std::vector<RaftMessage> next;
    for (RaftMessage& message : messages) {
      Participant* to = message.to == "a" ? &a : message.to == "b" ? &b : nullptr;
      if (to == nullptr) continue;
      ++count;
      std::ranges::move(to->step(Received{std::move(message)}), std::back_inserter(next));
    }
    messages = std::move(next);
  }
  return count;
}

// How many messages it takes until b, with a stale tail of 10,000 entries, has a's log.
std::size_t cost_of_stale_tail(std::optional<Rule> broken) {
  MemoryLog log_a;
  MemoryLog log_b;
  for (Index index = 1; index <= 10'010; ++index) {
    const Term stale_term = index <= 10 ? 1 : 2 + index / 1000;  // of several short-lived leaders
    REQUIRE(log_b.write({.append = {{.index = index, .term = stale_term, .payload = nothing()}}}));
    const Term term = index <= 10 ? 1 : 50;
    REQUIRE(log_a.write({.append = {{.index = index, .term = term, .payload = nothing()}}}));
  }
  REQUIRE(log_a.write({.hard_state = HardState{.term = 50, .voted_for = {}}}));
  REQUIRE(log_b.write({.hard_state = HardState{.term = 12, .voted_for = {}}}));
  const std::vector<NodeId> voters{"a", "b", "c"};
  Participant a({.id = "a", .broken = broken}, log_with(voters, std::move(log_a)));
  Participant b({.id = "b", .broken = broken}, log_with(voters, std::move(log_b)));
  b.step(Tick{.now = 1, .random = 1});
  const std::size_t count = converse(a, b, a.step(Tick{.now = 1, .random = 1}), 50'000);
  REQUIRE(a.raft.role() == Role::leader);
  REQUIRE(b.raft.log().last() == a.raft.log().last());
  return count;
}

TEST_CASE("a stale tail of 10,000 entries costs a handful of messages") {
  CHECK(cost_of_stale_tail(std::nullopt) < 60);
}

TEST_CASE("control: without conflict hints it costs thousands") {
  CHECK(cost_of_stale_tail(Rule::conflict_hint) > 5'000);
}

TEST_CASE("a single voter elects itself and commits alone") {
  Participant alone({.id = "a"}, log_with({"a"}));
  alone.step(Tick{.now = 1, .random = 1});
  REQUIRE(alone.raft.role() == Role::leader);
  CHECK(alone.committed == 1);
  alone.step(Proposal{.id = 1, .term = alone.raft.term(), .kind = EntryKind::batch, .payload = nothing()});
  CHECK(alone.committed == 2);
}

TEST_CASE("a proposal for another term is refused and appends nothing") {
  Participant alone({.id = "a"}, log_with({"a"}));
  alone.step(Tick{.now = 1, .random = 1});
  const Index last = alone.raft.log().last_index();
  const Event stale =
      Proposal{.id = 7, .term = alone.raft.term() - 1, .kind = EntryKind::batch, .payload = nothing()};
  const Effects effects = alone.raft.step({&stale, 1});
  REQUIRE(effects.proposals.size() == 1);
  CHECK(effects.proposals[0].refusal == Refusal::not_leader);
  CHECK(alone.raft.log().last_index() == last);
}

TEST_CASE("an acknowledgement names what was compared, not what is there") {
  MemoryLog log;
  for (Index index = 1; index <= 5; ++index) {
    REQUIRE(log.write({.append = {{.index = index, .term = 1, .payload = nothing()}}}));
  }
  Participant follower({.id = "b"}, log_with({"a", "b", "c"}, std::move(log)));
  follower.step(Tick{.now = 1, .random = 1});
  const auto sent = follower.step(
      Received{{.from = "a",
                .to = "b",
                .body = AppendRequest{.term = 2, .previous = {.index = 2, .term = 1}, .commit = 5}}});
  REQUIRE(sent.size() == 1);
  const auto& reply = std::get<AppendReply>(sent[0].body);
  CHECK(reply.success);
  CHECK(reply.match == 2);
  CHECK(follower.committed == 2);
}

TEST_CASE("a pre-vote changes nothing, and its refusal carries the true term") {
  MemoryLog log;
  REQUIRE(log.write({.hard_state = HardState{.term = 9, .voted_for = "c"}}));
  Participant voter({.id = "b"}, log_with({"a", "b", "c"}, std::move(log)));
  voter.step(Tick{.now = 1, .random = 1});
  const auto sent =
      voter.step(Received{{.from = "a", .to = "b", .body = VoteRequest{.pre = true, .term = 4}}});
  REQUIRE(sent.size() == 1);
  const auto& reply = std::get<VoteReply>(sent[0].body);
  CHECK_FALSE(reply.granted);
  CHECK(reply.term == 9);
  CHECK(reply.request_term == 4);
  CHECK(voter.raft.term() == 9);
}

TEST_CASE("a vote is durable before it is told") {
  Participant voter({.id = "b"}, log_with({"a", "b", "c"}));
  voter.step(Tick{.now = 1, .random = 1});
  const Event request = Received{{.from = "a", .to = "b", .body = VoteRequest{.term = 3}}};
  const Effects effects = voter.raft.step({&request, 1});
  CHECK(effects.send_now.empty());
  REQUIRE(effects.send.size() == 1);
  REQUIRE(effects.log.hard_state.has_value());
  CHECK(*effects.log.hard_state == HardState{.term = 3, .voted_for = "a"});
}

// A leader "a" with the follower "b", which has its log; "c" is away.
struct Pair {
  Participant a{{.id = "a"}, log_with({"a", "b", "c"})};
  Participant b{{.id = "b"}, log_with({"a", "b", "c"})};
  std::int64_t now = 1;

  Pair() {
    b.step(Tick{.now = now, .random = 1});
    converse(a, b, a.step(Tick{.now = now, .random = 1}), 100);
    REQUIRE(b.committed == a.committed);
  }
  std::size_t write(bool is_awaited) {
    return converse(
        a, b, a.step(Proposal{.term = a.raft.term(), .payload = nothing(), .is_awaited = is_awaited}), 100);
  }
  std::size_t wait(std::int64_t time_us) {
    now += time_us;
    return converse(a, b, a.step(Tick{.now = now, .random = 1}), 100);
  }
};

TEST_CASE("followers learn what is committed with the next entries: a request and a reply for each write") {
  Pair pair;
  for (int i = 0; i < 10; ++i) CHECK(pair.write(false) == 2);
  CHECK(pair.b.committed == pair.a.committed - 1);
}

TEST_CASE("when no more entries come, followers learn what is committed a moment later, once") {
  Pair pair;
  CHECK(pair.write(false) == 2);
  CHECK(pair.b.committed == pair.a.committed - 1);
  CHECK(pair.a.raft.next_deadline() == pair.now + 1'000);
  CHECK(pair.wait(1'000) == 2);
  CHECK(pair.b.committed == pair.a.committed);
  CHECK(pair.a.raft.next_deadline() > pair.now + 10'000);
  CHECK(pair.wait(1'000) == 0);
}

TEST_CASE("followers are told at once of what somebody waits for") {
  Pair pair;
  CHECK(pair.write(true) == 4);
  CHECK(pair.b.committed == pair.a.committed);
}

}  // namespace
}  // namespace quorate
