// What a process does about others that are wrong, broken or silent: it says so, and nothing else is
// disturbed.
#include <doctest/doctest.h>

#include <thread>

#include "server/peer_endpoint.hpp"
#include "tests/unit/peer_harness.hpp"

namespace quorate {
namespace {

using namespace peer_test;  // NOLINT(google-build-using-namespace)

PeerTimes short_times() {
  return {.handshake = Milliseconds(300),
          .ping = Milliseconds(50),
          .silence = Milliseconds(400),
          .stall = Milliseconds(400),
          .min_retry = Milliseconds(20),
          .max_retry = Milliseconds(100)};
}

// Two that are connected throughout, and a place where others try.
struct Pair {
  explicit Pair(PeerLimits limits = {})
      : one(PeerOptions{.self = hello_of("n1"), .limits = limits, .times = short_times()}),
        two(PeerOptions{.self = hello_of("n2"), .limits = limits, .times = short_times()}) {
    one.call(two);
    REQUIRE(one.observer.wait_connected("n2"));
    REQUIRE(two.observer.wait_connected("n1"));
  }
  void check_undisturbed() {
    CHECK(can_talk(one, two));
    CHECK(one.observer.connected("n2") == 1);
    CHECK(two.observer.connected("n1") == 1);
    CHECK(two.observer.connections() == 1);
  }
  // What one answers to these bytes.
  std::string answer_to(const std::string& bytes) const {
    RawClient client(one.endpoint->port());
    client.write(bytes);
    return client.read_all();
  }
  // Connects it as n3, which works.
  void connect(RawClient& client) {
    CHECK(client.introduce(hello_of("n3")).contains(" 101 "));
    client.write_frame("");
    REQUIRE(one.observer.wait_connected("n3"));
  }

  LogCapture log;
  Process one;
  Process two;
};

TEST_CASE("another cluster's node is refused, and both sides say why") {
  Pair pair;
  PeerHello hello = hello_of("n3");
  hello.cluster_id = "c2";
  Process stranger(PeerOptions{.self = hello, .times = short_times()});
  stranger.call(pair.one);
  CHECK(pair.log.warnings(
            "node n3 from 127.0.0.1 is refused as a peer: Node n1 belongs to cluster c1 and node n3 to "
            "cluster c2. (409 identity_mismatch)") == 1);
  CHECK(pair.log.warnings("refuses this node: Node n1 belongs to cluster c1 and node n3 to cluster c2.") ==
        1);
  std::this_thread::sleep_for(Milliseconds(300));  // it tries on
  CHECK(pair.log.warnings("is refused as a peer") == 1);
  CHECK(stranger.observer.connections() == 0);
  pair.check_undisturbed();
}

TEST_CASE("a node id that is taken is refused") {
  Pair pair;
  PeerHello twin = hello_of("n1");
  twin.boot = 12345;
  Process same_as_called(PeerOptions{.self = twin, .times = short_times()});
  same_as_called.endpoint->dial(pair.one.address());
  CHECK(pair.log.warnings("Both processes say that they are node n1") >= 1);
  PeerHello hello = hello_of("n2");
  hello.instance = 12345;
  Process same_as_peer(PeerOptions{.self = hello, .times = short_times()});
  same_as_peer.call(pair.one);
  CHECK(pair.log.warnings("Node n2 is connected already, as another one") >= 1);
  CHECK(pair.log.warnings("refuses this node: Node n2 is connected already") == 1);
  pair.one.endpoint->dial(pair.one.address());
  CHECK(pair.log.warnings("Node n1 has connected to itself") >= 1);
  pair.check_undisturbed();
}

TEST_CASE("a copy of a connected node's files is refused at another address") {
  Pair pair;
  PeerHello copy = hello_of("n2");  // the same instance
  copy.boot = 12345;
  Process other(PeerOptions{.self = copy, .times = short_times()});
  other.call(pair.one);
  const std::string reason = "Node n2 is connected already, from " + pair.two.address() +
                             ", with the same files as at " + other.address();
  CHECK(pair.log.warnings("is refused as a peer: " + reason) == 1);
  CHECK(pair.log.warnings("refuses this node: " + reason) == 1);
  CHECK(other.observer.connections() == 0);
  pair.check_undisturbed();
}

TEST_CASE("whom the observer does not admit is refused, whoever has called") {
  Pair pair;
  pair.one.observer.set_rule([](const PeerHello& hello) -> Result<void> {
    if (hello.node == "n3") return fail(ErrorCode::not_found, "Node n3 is no member.");
    return {};
  });
  Process caller(PeerOptions{.self = hello_of("n3"), .times = short_times()});
  caller.call(pair.one);
  CHECK(pair.log.warnings("refuses this node: Node n3 is no member. (403 not_found)") == 1);
  caller.endpoint->forget("n1");
  pair.one.call(caller);
  CHECK(pair.log.warnings("a connection is refused: Node n3 is no member. (not_found)") == 1);
  CHECK(pair.log.warnings("it refuses this node: Node n3 is no member. (not_found)") == 1);
  CHECK(caller.observer.connections() == 0);
  CHECK(pair.one.observer.connected("n3") == 0);
  pair.check_undisturbed();
}

TEST_CASE("an address where another node is does not connect") {
  Pair pair;
  Process three(PeerOptions{.self = hello_of("n3"), .times = short_times()});
  pair.one.endpoint->set_address("n4", three.address());
  CHECK(pair.log.warnings("Node n1 looked for node n4 at " + three.address() + ", and node n3 is there.") >=
        1);
  CHECK_FALSE(pair.one.endpoint->is_reachable("n3"));
  pair.check_undisturbed();
}

TEST_CASE("what is no peer gets an answer that a person can read") {
  Pair pair;
  CHECK(pair.answer_to("GET / HTTP/1.1\r\nHost: a\r\n\r\n").contains("clients use the HTTP API"));
  CHECK(pair.answer_to("GET /v1/peer HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(pair.answer_to(std::string(100, '\xFE')).starts_with("HTTP/1.1 400 "));
  std::string request = peer_request(hello_of("n3"), "a");
  CHECK(pair.answer_to(request + "x").contains("Nothing may be sent before"));
  request.replace(request.find("Protocol: 1"), 11, "Protocol: 9");
  const std::string answer = pair.answer_to(request);
  CHECK(answer.starts_with("HTTP/1.1 426 "));
  CHECK(answer.contains("Quorate-Protocol: 1\r\n"));
  CHECK(answer.contains("\"code\":\"wrong_protocol\""));
  pair.check_undisturbed();
}

TEST_CASE("who connects and says nothing is disconnected") {
  Pair pair;
  RawClient silent(pair.one.endpoint->port());
  CHECK(silent.read_all().empty());
  CHECK(pair.log.warnings("it did not introduce itself in time") == 1);
  RawClient unconfirmed(pair.one.endpoint->port());
  CHECK(unconfirmed.introduce(hello_of("n3")).contains(" 101 "));
  unconfirmed.read_all();
  CHECK(pair.log.warnings("it said nothing for 300 ms after it was accepted") == 1);
  CHECK(pair.one.observer.connected("n3") == 0);
  RawClient confirmed(pair.one.endpoint->port());
  pair.connect(confirmed);
  confirmed.read_all();
  CHECK(pair.log.warnings("nothing came from it for 400 ms") == 1);
  CHECK(pair.one.inbox.wait_unreachable("n3"));
  pair.check_undisturbed();
}

TEST_CASE("too many at once are closed without a word") {
  Pair pair({.handshakes = 2});
  RawClient first(pair.one.endpoint->port());
  RawClient second(pair.one.endpoint->port());
  std::this_thread::sleep_for(Milliseconds(50));
  const auto before = std::chrono::steady_clock::now();
  CHECK(pair.answer_to("GET / HTTP/1.1\r\n\r\n").empty());
  CHECK(std::chrono::steady_clock::now() - before < Milliseconds(150));
  pair.check_undisturbed();
}

TEST_CASE("what cannot be read ends its connection and no other") {
  Pair pair({.frame_bytes = 10'000});
  {
    RawClient client(pair.one.endpoint->port());
    pair.connect(client);
    client.write(std::string("\x11\x27\0\0", 4) + std::string(8, '\0'));
    client.read_all();
    CHECK(pair.log.warnings("it announced a message of 10001 bytes, and the limit is 10000") == 1);
    CHECK(pair.one.observer.wait_disconnected("n3"));
  }
  {
    RawClient client(pair.one.endpoint->port());
    pair.connect(client);
    std::string message = encode(Message{.from = "n3", .to = "n1", .body = CompactBelow{.index = 1}});
    const FrameHead head = frame_head(message);
    message.back() ^= 1;
    client.write(std::string(head.data(), head.size()) + message);
    client.read_all();
    CHECK(pair.log.warnings("the checksum is wrong") == 1);
    CHECK(pair.one.observer.wait_disconnected("n3"));
  }
  {
    RawClient client(pair.one.endpoint->port());
    pair.connect(client);
    client.write_frame("\1garbage");
    client.read_all();
    CHECK(pair.log.warnings("a message from it cannot be read") == 1);
    CHECK(pair.one.observer.wait_disconnected("n3"));
  }
  CHECK(pair.one.inbox.size() == 0);
  pair.check_undisturbed();
}

TEST_CASE("strays are dropped, and the connection stays") {
  Pair pair;
  RawClient client(pair.one.endpoint->port());
  pair.connect(client);
  client.write_frame(encode(Message{.from = "n2", .to = "n1", .body = CompactBelow{.index = 1}}));
  client.write_frame(encode(Message{.from = "n3", .to = "n9", .body = CompactBelow{.index = 2}}));
  client.write_frame(encode(Message{.from = "n3", .to = "n9", .body = CompactBelow{.index = 2}}));
  client.write_frame(encode(Message{.from = "n3", .to = "n1", .body = CompactBelow{.index = 3}}));
  REQUIRE(pair.one.inbox.wait_for(1));
  CHECK(std::get<CompactBelow>(pair.one.inbox.messages()[0].body).index == 3);
  CHECK(pair.log.warnings("does not host the sender") == 1);
  CHECK(pair.log.warnings("there is no such node here") == 1);
  CHECK(pair.one.observer.connected("n3") == 1);
  pair.check_undisturbed();
}

TEST_CASE("a message that is too long is not sent") {
  Pair pair({.frame_bytes = 10'000});
  pair.one.send("n2", 1, 10'000);
  pair.one.send("n2", 2, 9'000);
  REQUIRE(pair.two.inbox.wait_for(1));
  CHECK(std::get<PrepareRequest>(pair.two.inbox.messages()[0].body).base == 2);
  CHECK(pair.log.warnings("is longer than the limit of 10000") == 1);
  pair.check_undisturbed();
}

TEST_CASE("for a peer that does not read, little is kept, and then it is disconnected") {
  Pair pair({.queue_bytes = 1'000'000});
  RawClient client(pair.one.endpoint->port());
  pair.connect(client);
  std::jthread pings([&client](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      client.write_frame("");
      std::this_thread::sleep_for(Milliseconds(50));
    }
  });
  const auto before = std::chrono::steady_clock::now();
  // Far more than the limit and the kernel's buffers hold, and yet sending costs next to nothing.
  for (Index i = 0; i < 5'000; ++i) pair.one.send("n3", i, 100'000);
  CHECK(pair.log.warnings("messages to n3 are dropped: it takes messages more slowly than they come") == 1);
  CHECK(pair.log.warnings("it took nothing for 400 ms") == 1);
  CHECK(std::chrono::steady_clock::now() - before < kPatience / 2);
  CHECK(pair.one.inbox.wait_unreachable("n3"));
  pair.check_undisturbed();
}

}  // namespace
}  // namespace quorate
