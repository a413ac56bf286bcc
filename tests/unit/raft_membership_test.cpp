// The consensus core's rules about who takes part and who leads, driven by hand, each with its control: the rule broken.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/participant.hpp"

namespace quorate {
namespace {

constexpr TimeUs kTimeout = 600'000;

RaftMessage append_from(const NodeId& leader, Term term, Position previous = {}, Index commit = 0) {
  return {
      .from = leader, .to = "b", .body = AppendRequest{.term = term, .previous = previous, .commit = commit}};
}

const VoteReply& vote_in(const std::vector<RaftMessage>& sent) {
  REQUIRE(sent.size() == 1);
  return std::get<VoteReply>(sent[0].body);
}

Proposal change_to(const Membership& membership, Term term) {
  return {.id = 1,
          .term = term,
          .kind = EntryKind::membership,
          .payload = std::make_shared<const std::string>(to_text(membership))};
}

Refusal refusal_of(Participant& leader, const Membership& membership) {
  const Event event = change_to(membership, leader.raft.term());
  std::vector<RaftMessage> sent;
  Effects effects = leader.raft.step({&event, 1});
  const Refusal refusal = effects.proposals.at(0).refusal;
  leader.carry_out(std::move(effects), sent);
  return refusal;
}

// a leads the voters a, b and c, and b has everything.
Participant leader_of_three(std::optional<Rule> broken = {}, MemoryLog log = log_with({"a", "b", "c"})) {
  Participant a({.id = "a", .broken = broken}, std::move(log));
  a.step(Tick{.now = 1, .random = 1});
  a.step(
      Received{{.from = "b", .to = "a", .body = VoteReply{.pre = true, .request_term = 1, .granted = true}}});
  a.step(
      Received{{.from = "b", .to = "a", .body = VoteReply{.term = 1, .request_term = 1, .granted = true}}});
  REQUIRE(a.raft.role() == Role::leader);
  return a;
}

std::vector<RaftMessage> acknowledge(Participant& leader, const NodeId& from, Index match,
                                     Instance instance = 0) {
  return leader.step(Received{{.from = from,
                               .to = "a",
                               .body = AppendReply{.term = leader.raft.term(),
                                                   .request_term = leader.raft.term(),
                                                   .success = true,
                                                   .match = match},
                               .instance = instance}});
}

TEST_CASE("a vote does not depend on the voter's own view of the membership") {
  const auto granted = [](std::optional<Rule> broken) {
    Participant voter({.id = "b", .broken = broken}, log_with({"a", "b"}));
    voter.step(Tick{.now = 1, .random = 1});
    return vote_in(voter.step(Received{{.from = "new", .to = "b", .body = VoteRequest{.term = 3}}})).granted;
  };
  CHECK(granted(std::nullopt));
  CHECK_FALSE(granted(Rule::vote_without_own_view));
}

TEST_CASE(
    "a refused pre-vote tells the true term, so that a candidate which has fallen behind learns of it") {
  const auto told = [](std::optional<Rule> broken) {
    MemoryLog log = log_with({"a", "b", "c"});
    REQUIRE(log.write({.hard_state = HardState{.term = 9, .voted_for = "c"}}));
    Participant voter({.id = "b", .broken = broken}, std::move(log));
    voter.step(Tick{.now = 1, .random = 1});
    return vote_in(
               voter.step(Received{{.from = "a", .to = "b", .body = VoteRequest{.pre = true, .term = 4}}}))
        .term;
  };
  CHECK(told(std::nullopt) == 9);
  CHECK(told(Rule::pre_vote_tells_true_term) == 0);
}

TEST_CASE("a learner protects its leader for one election timeout, not longer") {
  const auto granted_after = [](TimeUs time, std::optional<Rule> broken) {
    Participant learner({.id = "b", .broken = broken}, log_with({"a", "c"}));
    learner.step(Tick{.now = 1, .random = 1});
    learner.step(Received{append_from("a", 1)});
    learner.step(Tick{.now = 1 + time, .random = 1});
    return vote_in(
               learner.step(Received{{.from = "c", .to = "b", .body = VoteRequest{.pre = true, .term = 2}}}))
        .granted;
  };
  CHECK_FALSE(granted_after(kTimeout - 10, std::nullopt));
  CHECK(granted_after(kTimeout + 10, std::nullopt));
  CHECK_FALSE(granted_after(kTimeout + 10, Rule::stickiness_ends));
}

TEST_CASE("a vote at the leader's own wish is not held up by stickiness") {
  Participant voter({.id = "b"}, log_with({"a", "b", "c"}));
  voter.step(Tick{.now = 1, .random = 1});
  voter.step(Received{append_from("a", 1)});
  CHECK_FALSE(
      vote_in(voter.step(Received{{.from = "c", .to = "b", .body = VoteRequest{.term = 2}}})).granted);
  CHECK(vote_in(
            voter.step(Received{{.from = "c", .to = "b", .body = VoteRequest{.transfer = true, .term = 2}}}))
            .granted);
}

TEST_CASE("one AppendEntries carries at most so many bytes") {
  const auto entries_sent = [](std::optional<Rule> broken) {
    Participant a({.id = "a", .max_append_bytes = 100, .broken = broken}, log_with({"a", "b", "c"}));
    a.step(Tick{.now = 1, .random = 1});
    a.step(Received{
        {.from = "b", .to = "a", .body = VoteReply{.pre = true, .request_term = 1, .granted = true}}});
    a.step(
        Received{{.from = "b", .to = "a", .body = VoteReply{.term = 1, .request_term = 1, .granted = true}}});
    for (int i = 0; i < 5; ++i) a.step(Proposal{.id = 1, .term = 1, .payload = nothing()});
    const auto sent =
        a.step(Received{{.from = "b",
                         .to = "a",
                         .body = AppendReply{.term = 1, .request_term = 1, .success = true, .match = 0}}});
    std::size_t most = 0;
    for (const RaftMessage& message : sent) {
      if (const auto* request = std::get_if<AppendRequest>(&message.body))
        most = std::max(most, request->entries.size());
    }
    return most;
  };
  CHECK(entries_sent(std::nullopt) == 1);
  CHECK(entries_sent(Rule::bounded_appends) == 6);
}

TEST_CASE("the membership changes only after an entry of the leader's own term") {
  const auto refusal = [](std::optional<Rule> broken) {
    Participant a = leader_of_three(broken);
    Membership more = a.raft.log().membership();
    more.put({.id = "d", .voter = false});
    return refusal_of(a, more);
  };
  CHECK(refusal(std::nullopt) == Refusal::change_pending);
  CHECK(refusal(Rule::change_needs_own_term) == Refusal::none);
}

TEST_CASE("one change of the membership at a time") {
  const auto second = [](std::optional<Rule> broken, bool first_is_committed) {
    Participant a = leader_of_three(broken);
    acknowledge(a, "b", 1);
    Membership more = a.raft.log().membership();
    more.put({.id = "d", .voter = false});
    REQUIRE(refusal_of(a, more) == Refusal::none);
    if (first_is_committed) acknowledge(a, "b", 2);
    more.put({.id = "e", .voter = false});
    return refusal_of(a, more);
  };
  CHECK(second(std::nullopt, false) == Refusal::change_pending);
  CHECK(second(std::nullopt, true) == Refusal::none);
  CHECK(second(Rule::one_change_at_a_time, false) == Refusal::none);
}

TEST_CASE("only one voter changes at a time") {
  const auto refusal = [](std::optional<Rule> broken) {
    Participant a = leader_of_three(broken);
    acknowledge(a, "b", 1);
    return refusal_of(a, log_with({"a"}).membership);
  };
  CHECK(refusal(std::nullopt) == Refusal::change_too_big);
  CHECK(refusal(Rule::change_one_voter) == Refusal::none);
}

TEST_CASE("a new voter has been a learner, and has caught up") {
  const auto promotion = [](std::optional<Rule> broken, Index match) {
    Participant a = leader_of_three(broken);
    acknowledge(a, "b", 1);
    Membership next = a.raft.log().membership();
    next.put({.id = "d", .instance = 4, .voter = false});
    REQUIRE(refusal_of(a, next) == Refusal::none);
    acknowledge(a, "b", 2);
    if (match != 0) acknowledge(a, "d", match, 4);
    next.put({.id = "d", .instance = 4});
    return refusal_of(a, next);
  };
  CHECK(promotion(std::nullopt, 0) == Refusal::not_caught_up);
  CHECK(promotion(std::nullopt, 2) == Refusal::none);
  CHECK(promotion(Rule::promote_when_caught_up, 0) == Refusal::none);
}

TEST_CASE("a truncated membership entry takes its membership with it") {
  const auto voters_after = [](std::optional<Rule> broken) {
    Participant b({.id = "b", .broken = broken}, log_with({"a", "b", "c"}));
    b.step(Tick{.now = 1, .random = 1});
    const auto payload = std::make_shared<const std::string>(to_text(log_with({"a", "b"}).membership));
    b.step(Received{
        {.from = "a",
         .to = "b",
         .body = AppendRequest{
             .term = 1,
             .entries = {{.index = 1, .term = 1, .kind = EntryKind::membership, .payload = payload}}}}});
    REQUIRE(b.raft.log().membership().voters() == 2);
    b.step(Received{
        {.from = "c",
         .to = "b",
         .body = AppendRequest{.term = 2, .entries = {{.index = 1, .term = 2, .payload = nothing()}}}}});
    // Whom it asks for votes shows whom it takes for a voter.
    std::size_t asked = 0;
    for (const RaftMessage& message : b.step(Tick{.now = 10 * kTimeout, .random = 1})) {
      if (std::holds_alternative<VoteRequest>(message.body)) ++asked;
    }
    return asked + 1;
  };
  CHECK(voters_after(std::nullopt) == 3);
  CHECK(voters_after(Rule::change_rolls_back) == 2);
}

TEST_CASE("another instance of a member acknowledges for nobody") {
  const auto committed = [](std::optional<Rule> broken) {
    Participant a = leader_of_three(broken);
    acknowledge(a, "b", 1, 99);
    return a.committed;
  };
  CHECK(committed(std::nullopt) == 0);
  CHECK(committed(Rule::count_only_known_instances) == 1);
}

TEST_CASE("leadership is handed over only to a member that has everything") {
  const auto told = [](std::optional<Rule> broken, Index match) {
    Participant a = leader_of_three(broken);
    if (match != 0) acknowledge(a, "b", match);
    for (const RaftMessage& message : a.step(Transfer{"b"})) {
      if (std::holds_alternative<TimeoutNow>(message.body)) return true;
    }
    return false;
  };
  CHECK_FALSE(told(std::nullopt, 0));
  CHECK(told(std::nullopt, 1));
  CHECK(told(Rule::transfer_when_caught_up, 0));
}

TEST_CASE("a witness that leads asks the next one to, if the first does not take over") {
  const auto asked = [](std::optional<Rule> broken) {
    MemoryLog log;
    log.membership.put({.id = "a", .witness = true, .preferred = true});
    log.membership.put({.id = "b"});
    log.membership.put({.id = "c"});
    Participant a = leader_of_three(broken, std::move(log));
    std::vector<NodeId> asked;
    const auto note = [&](const std::vector<RaftMessage>& sent) {
      for (const RaftMessage& message : sent) {
        if (std::holds_alternative<TimeoutNow>(message.body)) asked.push_back(message.to);
      }
    };
    for (TimeUs now = 1; asked.size() < 3 && now < 10 * kTimeout; now += kTimeout / 4) {
      note(a.step(Tick{.now = now, .random = 1}));
      for (const NodeId& from : {"b", "c"}) note(acknowledge(a, from, 1));
    }
    return asked;
  };
  CHECK(asked(std::nullopt) == std::vector<NodeId>{"b", "c", "b"});
  CHECK(asked(Rule::ask_the_next_to_lead) == std::vector<NodeId>{"b", "b", "b"});
}

TEST_CASE("a node whose content is repaired leads when nobody else seems able to, and hands over at once") {
  Participant a({.id = "a", .has_content = false}, log_with({"a", "b"}));
  a.step(Tick{.now = 1, .random = 1});
  a.step(Received{append_from("b", 1)});
  CHECK(a.step(Tick{.now = 1 + 2 * kTimeout, .random = 1}).empty());  // anybody else would campaign now
  CHECK_FALSE(a.step(Tick{.now = 1 + 4 * kTimeout, .random = 1}).empty());
  a.step(
      Received{{.from = "b", .to = "a", .body = VoteReply{.pre = true, .request_term = 2, .granted = true}}});
  a.step(
      Received{{.from = "b", .to = "a", .body = VoteReply{.term = 2, .request_term = 2, .granted = true}}});
  REQUIRE(a.raft.role() == Role::leader);
  const std::vector<RaftMessage> sent = acknowledge(a, "b", 1);
  CHECK(std::ranges::any_of(sent, [](const RaftMessage& message) {
    return message.to == "b" && std::holds_alternative<TimeoutNow>(message.body);
  }));
}

TEST_CASE("whoever loses the connection to the leader asks for votes at once, one after the other") {
  const auto asks_after = [](const NodeId& id, TimeUs delay) {
    Participant b({.id = id}, log_with({"a", "b", "c"}));
    b.step(Tick{.now = 1, .random = 1});
    RaftMessage heartbeat = append_from("a", 1);
    heartbeat.to = id;
    b.step(Received{heartbeat});
    b.step(PeerLost{"a"});
    return !b.step(Tick{.now = 1 + delay, .random = 1}).empty();
  };
  CHECK(asks_after("b", 0));
  CHECK_FALSE(asks_after("c", 0));
  CHECK(asks_after("c", 50'000));
}

TEST_CASE("a leader that is removed goes once that is decided, and names its successor") {
  Participant a = leader_of_three();
  acknowledge(a, "b", 1);
  REQUIRE(refusal_of(a, log_with({"b", "c"}).membership) == Refusal::none);
  CHECK(a.raft.role() == Role::leader);
  acknowledge(a, "b", 2);
  bool named = false;
  const Event event =
      Received{{.from = "c",
                .to = "a",
                .body = AppendReply{.term = 1, .request_term = 1, .success = true, .match = 2}}};
  const Effects effects = a.raft.step({&event, 1});
  for (const auto* messages : {&effects.send_now, &effects.send}) {
    for (const RaftMessage& message : *messages)
      named = named || std::holds_alternative<TimeoutNow>(message.body);
  }
  CHECK(named);
}

TEST_CASE("a member whose next entries are gone is offered a snapshot, and acknowledges once it has one") {
  Participant b({.id = "b"}, log_with({"a", "b", "c"}));
  b.step(Tick{.now = 1, .random = 1});
  const SnapshotOffer offer{.term = 1, .base = {.index = 10, .term = 1}, .membership = {}};
  const Event event = Received{{.from = "a", .to = "b", .body = offer}};
  Effects effects = b.raft.step({&event, 1});
  CHECK(effects.snapshot_wanted.has_value());
  REQUIRE(effects.send.size() == 1);
  CHECK_FALSE(std::get<AppendReply>(effects.send[0].body).success);
}

}  // namespace
}  // namespace quorate
