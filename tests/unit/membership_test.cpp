// What a membership says, how it is written down, and which changes are small enough.
#include <doctest/doctest.h>

#include "core/membership.hpp"

namespace quorate {
namespace {

Membership of(const std::vector<Member>& members) {
  Membership membership;
  for (const Member& member : members) membership.put(member);
  return membership;
}

TEST_CASE("a membership survives being written down") {
  const Membership membership =
      of({{.id = "n1", .instance = 0xfedcba9876543210, .preferred = true, .peer = "a:1"},
          {.id = "n2", .instance = 7, .voter = false},
          {.id = "w", .instance = 8, .witness = true, .out = true, .peer = "[::1]:2"}});
  const auto read = parse_membership(to_text(membership));
  REQUIRE(read);
  CHECK(*read == membership);
  CHECK(parse_membership("")->members.empty());
}

TEST_CASE("a damaged membership is an error") {
  for (const char* text :
       {"n1", "n1 1 voter -\n", "n1 0000000000000001 king -\n", "n 1 0000000000000001 voter -\n",
        "n1 000000000000000g voter -\n", "n1 0000000000000001 voter -", "../x 0000000000000001 voter -\n",
        "n1 0000000000000001 voter -\nn1 0000000000000002 voter -\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_membership(text));
  }
}

TEST_CASE("majorities count voters only") {
  const Membership membership = of({{.id = "n1"}, {.id = "n2"}, {.id = "n3", .voter = false}});
  CHECK(membership.voters() == 2);
  CHECK(membership.majority() == 2);
  CHECK_FALSE(membership.has_voter("n3"));
}

TEST_CASE("one voter may come or go at a time; learners as they like") {
  const Membership three = of({{.id = "n1"}, {.id = "n2"}, {.id = "n3"}});
  CHECK(differ_by_one_voter(three, three));
  CHECK(differ_by_one_voter(three, of({{.id = "n1"}, {.id = "n2"}})));
  CHECK(differ_by_one_voter(three, of({{.id = "n1"}, {.id = "n2"}, {.id = "n3"}, {.id = "n4"}})));
  CHECK(differ_by_one_voter(three, of({{.id = "n1"},
                                       {.id = "n2"},
                                       {.id = "n3"},
                                       {.id = "n4", .voter = false},
                                       {.id = "n5", .voter = false}})));
  CHECK_FALSE(differ_by_one_voter(three, of({{.id = "n1"}})));
  CHECK_FALSE(differ_by_one_voter(three, of({{.id = "n1"}, {.id = "n2"}, {.id = "n4"}})));
  // Another instance is another voter.
  CHECK_FALSE(differ_by_one_voter(three, of({{.id = "n1"}, {.id = "n2"}, {.id = "n3", .instance = 5}})));
  CHECK(differ_by_one_voter(three,
                            of({{.id = "n1"}, {.id = "n2"}, {.id = "n3", .instance = 5, .voter = false}})));
}

}  // namespace
}  // namespace quorate
