// Real sockets on this host.
#include "server/peer_endpoint.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/unit/peer_harness.hpp"

namespace quorate {
namespace {

using namespace peer_test;  // NOLINT(google-build-using-namespace)

struct Quiet {
  LogCapture log;
};

TEST_CASE_FIXTURE(Quiet, "messages of all sizes arrive in order, both ways") {
  Process one("n1");
  Process two("n2");
  one.call(two);
  REQUIRE(one.observer.wait_connected("n2"));
  REQUIRE(two.observer.wait_connected("n1"));
  CHECK(one.endpoint->is_reachable("n2"));
  CHECK(one.endpoint->peer("n2")->api_url == "http://n2");
  CHECK(two.endpoint->peer("n1")->peer_address == one.address());
  const std::vector<std::size_t> sizes{1,         0,         100,     4'083,      4'084, 70'000,
                                       1'048'576, 5'000'000, 130'000, 20'000'000, 3};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    one.send("n2", i, sizes[i]);
    two.send("n1", i, sizes[i]);
  }
  for (Process* process : {&one, &two}) {
    REQUIRE(process->inbox.wait_for(sizes.size()));
    const std::vector<Message> messages = process->inbox.messages();
    REQUIRE(messages.size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto& request = std::get<PrepareRequest>(messages[i].body);
      CHECK(request.base == i);
      CHECK(request.payload->size() == sizes[i]);
      CHECK(request.payload->find_first_not_of(static_cast<char>('a' + i)) == std::string::npos);
      CHECK(messages[i].instance == 7);
    }
  }
}

TEST_CASE_FIXTURE(
    Quiet, "a message that the socket takes in parts arrives as a whole, with what is sent behind it") {
  Process one("n1");
  Process two("n2");
  one.call(two);
  REQUIRE(one.observer.wait_connected("n2"));
  constexpr std::size_t kLarge = 16UL * 1024 * 1024;  // more than a socket holds
  for (std::size_t i = 0; i < 8; i += 2) {
    one.send("n2", i, kLarge);
    one.send("n2", i + 1, 1);
    REQUIRE(two.inbox.wait_for(i + 2));  // so that nothing is on its way before the next
  }
  const std::vector<Message> messages = two.inbox.messages();
  REQUIRE(messages.size() == 8);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& request = std::get<PrepareRequest>(messages[i].body);
    CHECK(request.base == i);
    CHECK(request.payload->size() == (i % 2 == 0 ? kLarge : 1));
    CHECK(request.payload->find_first_not_of(static_cast<char>('a' + i)) == std::string::npos);
  }
}

TEST_CASE_FIXTURE(Quiet, "a ping that is due when a large message is sent does not come between its parts") {
  PeerOptions often{.self = hello_of("n1")};
  often.times.ping = Milliseconds(1);
  Process one(often);
  Process two("n2");
  one.call(two);
  REQUIRE(one.observer.wait_connected("n2"));
  constexpr std::size_t kLarge = 8UL * 1024 * 1024;  // more than a socket holds
  for (std::size_t i = 0; i < 40; ++i) {
    one.send("n2", i, kLarge);
    REQUIRE(two.inbox.wait_for(i + 1));
  }
  CHECK(one.observer.connections() == 1);
}

TEST_CASE_FIXTURE(Quiet,
                  "many short messages and the pieces of a snapshot arrive in order, each in its lane") {
  Process one("n1");
  Process two("n2");
  two.call(one);
  REQUIRE(one.observer.wait_connected("n2"));
  constexpr std::size_t kMessages = 20'000;
  constexpr std::size_t kPieces = 15;
  constexpr std::size_t kPieceBytes = 256UL * 1024;
  for (std::size_t i = 0; i < kMessages; ++i) {
    if (i < kPieces) one.send("n2", SnapshotPiece{.offset = i, .bytes = std::string(kPieceBytes, 'p')});
    one.send("n2", i);
  }
  REQUIRE(two.inbox.wait_for(kMessages + kPieces));
  std::size_t next_number = 0;
  std::size_t next_piece = 0;
  bool in_order = true;
  for (const Message& message : two.inbox.messages()) {
    if (const auto* piece = std::get_if<SnapshotPiece>(&message.body))
      in_order &= piece->offset == next_piece++;
    if (const auto* request = std::get_if<PrepareRequest>(&message.body))
      in_order &= request->base == next_number++;
  }
  CHECK(in_order);
}

TEST_CASE_FIXTURE(Quiet, "three processes know each other, and one that hosts a witness too says so") {
  Process one("n1");
  Process two("n2");
  Process three("n3");
  Inbox witness;
  two.endpoint->attach("w", witness);
  one.call(two);
  one.call(three);
  three.call(two);
  REQUIRE(one.observer.wait_connected("n2"));
  REQUIRE(one.observer.wait_connected("n3"));
  REQUIRE(two.observer.wait_connected("n1"));
  REQUIRE(two.observer.wait_connected("n3"));
  REQUIRE(three.observer.wait_connected("n1"));
  REQUIRE(three.observer.wait_connected("n2"));
  CHECK(can_talk(one, two));
  CHECK(can_talk(one, three));
  CHECK(can_talk(two, three));
  one.send("w", 1);
  CHECK(witness.wait_for(1));
  CHECK(one.endpoint->peer("w")->node == "n2");
  two.endpoint->send({.from = "w", .to = "n1", .body = CompactBelow{}});
  CHECK(one.inbox.wait_for(2));

  // The witness moves to another process.
  two.endpoint->detach("w");
  CHECK(one.inbox.wait_unreachable("w"));
  CHECK_FALSE(one.endpoint->is_reachable("w"));
  three.endpoint->attach("w", witness);
  for (int i = 0; i < 1000 && !one.endpoint->is_reachable("w"); ++i)
    std::this_thread::sleep_for(Milliseconds(5));
  one.send("w", 2);
  CHECK(witness.wait_for(2));
  CHECK(one.observer.connected("n2") == 1);
  three.endpoint->detach("w");
}

TEST_CASE_FIXTURE(Quiet, "nodes of the same process reach each other without a connection") {
  Process one("n1");
  Inbox other;
  one.endpoint->attach("w", other);
  CHECK(one.endpoint->is_reachable("w"));
  one.send("w", 1);
  CHECK(other.size() == 1);
  one.endpoint->detach("w");
  CHECK_FALSE(one.endpoint->is_reachable("w"));
  one.send("w", 2);
  one.send("n9", 3);
  CHECK(other.size() == 1);
}

void check_single_connection(Process& one, Process& two) {
  REQUIRE(one.observer.wait_connected(two.node));
  REQUIRE(two.observer.wait_connected(one.node));
  std::this_thread::sleep_for(Milliseconds(30));
  CHECK(one.observer.connected(two.node) == 1);
  CHECK(two.observer.connected(one.node) == 1);
  CHECK(can_talk(one, two));
}

TEST_CASE_FIXTURE(Quiet, "two that call each other at once end with one connection") {
  for (int round = 0; round < 15; ++round) {
    Process one(round % 2 == 0 ? "n1" : "n2");
    Process two(round % 2 == 0 ? "n2" : "n1");
    one.call(two);
    two.call(one);
    check_single_connection(one, two);
    CHECK(one.observer.connections() == 1);  // and none was begun in vain
    CHECK(two.observer.connections() == 1);
  }
}

TEST_CASE_FIXTURE(Quiet, "two that call each other at once without knowing whom end with one connection") {
  for (int round = 0; round < 15; ++round) {
    Process one("n1");
    Process two("n2");
    one.endpoint->dial(two.address());
    two.endpoint->dial(one.address());
    if (round % 3 == 0) one.call(two);
    if (round % 5 == 0) two.call(one);
    check_single_connection(one, two);
  }
}

TEST_CASE_FIXTURE(Quiet, "a call is repeated until somebody is there") {
  std::string address;
  {
    const Process other("n2");
    address = other.address();
  }
  Process one("n1");
  one.endpoint->dial(address);
  std::this_thread::sleep_for(Milliseconds(100));
  PeerOptions options{.self = hello_of("n2")};
  options.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
  Process two(std::move(options));
  check_single_connection(one, two);
}

TEST_CASE_FIXTURE(Quiet, "a call to one that is connected already, under another name, changes nothing") {
  Process one("n1");
  Process two("n2");
  one.call(two);
  REQUIRE(two.observer.wait_connected("n1"));
  one.endpoint->dial("localhost:" + std::to_string(two.endpoint->port()));
  two.endpoint->dial("localhost:" + std::to_string(one.endpoint->port()));
  std::this_thread::sleep_for(Milliseconds(300));
  CHECK(one.observer.connections() == 1);
  CHECK(two.observer.connections() == 1);
  CHECK(can_talk(one, two));
}

TEST_CASE_FIXTURE(
    Quiet, "a process that comes back on another port is found there, and its end is noticed at once") {
  Process one("n1");
  Process three("n3");
  three.call(one);
  auto two = std::make_unique<Process>("n2");
  one.call(*two);
  REQUIRE(one.observer.wait_connected("n2"));
  REQUIRE(one.observer.wait_connected("n3"));

  two->endpoint->stop();
  CHECK(one.inbox.wait_unreachable("n2", Milliseconds(100)));
  CHECK_FALSE(one.endpoint->is_reachable("n2"));
  CHECK_FALSE(one.endpoint->peer("n2").has_value());
  two.reset();

  PeerOptions options{.self = hello_of("n2")};
  options.self.boot = 99;
  Process again(std::move(options));
  one.call(again);
  check_single_connection(one, again);
  CHECK(one.endpoint->peer("n2")->boot == 99);
  CHECK(one.observer.connected("n3") == 1);
  CHECK(can_talk(one, three));
}

TEST_CASE_FIXTURE(Quiet, "a process that was started anew takes the place of its former self") {
  Process one("n1");
  RawClient former(one.endpoint->port());
  CHECK(former.introduce(hello_of("n2")).contains(" 101 "));
  former.write_frame("");
  REQUIRE(one.observer.wait_connected("n2"));
  PeerOptions options{.self = hello_of("n2")};
  options.self.boot = 99;
  Process again(std::move(options));
  again.call(one);
  REQUIRE(again.observer.wait_connected("n1"));
  CHECK(one.inbox.wait_unreachable("n2"));
  former.read_all();  // it was closed
  check_single_connection(one, again);
  CHECK(one.endpoint->peer("n2")->boot == 99);
}

TEST_CASE_FIXTURE(Quiet, "who is forgotten is disconnected and not called again") {
  Process one("n1");
  Process two("n2");
  one.call(two);
  REQUIRE(one.observer.wait_connected("n2"));
  REQUIRE(two.observer.wait_connected("n1"));
  one.endpoint->forget("n2");
  CHECK(one.observer.wait_disconnected("n2"));
  CHECK(two.observer.wait_disconnected("n1"));
  std::this_thread::sleep_for(Milliseconds(200));
  CHECK_FALSE(one.endpoint->is_reachable("n2"));
  CHECK(one.observer.connections() == 1);
}

TEST_CASE_FIXTURE(Quiet, "stopping with traffic under way is clean") {
  Process one("n1");
  auto two = std::make_unique<Process>("n2");
  one.call(*two);
  REQUIRE(one.observer.wait_connected("n2"));
  REQUIRE(two->observer.wait_connected("n1"));
  std::atomic<bool> stop = false;
  const auto talk = [&stop](const Process& from, const NodeId& to) {
    for (Index i = 0; !stop; ++i) {
      from.send(to, i, i % 100 == 0 ? 200'000 : 50);
      if (i % 64 == 0) std::this_thread::sleep_for(Milliseconds(1));
    }
  };
  std::jthread first([&] { talk(one, "n2"); });
  std::jthread second([&] { talk(one, "n2"); });
  std::jthread third([&] { talk(*two, "n1"); });
  REQUIRE(one.inbox.wait_for(500));
  REQUIRE(two->inbox.wait_for(500));
  two->endpoint->stop();
  const std::size_t received = two->inbox.size();
  CHECK(one.inbox.wait_unreachable("n2"));
  std::this_thread::sleep_for(Milliseconds(20));
  CHECK(two->inbox.size() == received);
  one.endpoint->stop();
  stop = true;
}

}  // namespace
}  // namespace quorate
