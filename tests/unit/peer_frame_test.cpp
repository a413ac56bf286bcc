#include "server/peer_frame.hpp"

#include <doctest/doctest.h>

#include "server/peer_handshake.hpp"
#include "server/peer_send_queue.hpp"

namespace quorate {
namespace {

std::string frame(std::string_view payload) {
  const FrameHead head = frame_head(payload);
  return std::string(head.data(), head.size()).append(payload);
}

std::vector<std::string> read_all(FrameReader& reader) {
  std::vector<std::string> payloads;
  for (auto payload = reader.next(); payload && *payload; payload = reader.next())
    payloads.emplace_back(**payload);
  return payloads;
}

TEST_CASE("frames come out as they went in, however the stream is cut") {
  const std::vector<std::string> payloads{"", "a", std::string(300'000, 'b'), "", std::string(3'000'000, 'c'),
                                          "d"};
  std::string stream;
  for (const std::string& payload : payloads) stream += frame(payload);
  for (const std::size_t step : {1UL, 7UL, 4096UL, 1'000'000UL, stream.size()}) {
    FrameReader reader(4'000'000);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.append(std::string_view(stream).substr(at, step));
      for (std::string& payload : read_all(reader)) got.push_back(std::move(payload));
    }
    CHECK(got == payloads);
  }
}

TEST_CASE("a frame that is too long or damaged is an error, and announcing one costs nothing") {
  FrameReader reader(1000);
  reader.append(frame(std::string(1000, 'x')) + frame(std::string(1001, 'x')));
  CHECK(read_all(reader).size() == 1);
  CHECK(reader.next().error().message.find("1001 bytes") != std::string::npos);

  for (std::size_t at = 4; at < 15; ++at) {
    std::string damaged = frame("abc");
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    FrameReader fresh(1000);
    fresh.append(damaged);
    CHECK_FALSE(fresh.next().has_value());
  }

  FrameReader patient(0xFFFFFFFF);
  patient.append(std::string(4, '\xFE') + std::string(8, '\0'));
  CHECK(patient.next()->has_value() == false);
  CHECK(patient.prepare().size() <= 1024UL * 1024);
}

TEST_CASE("controls come back as they went, and nothing else passes") {
  const std::string also = encode(PeerControl(AlsoUpdate{.nodes = {"w1", "w2"}}));
  const std::string goodbye = encode(PeerControl(Goodbye{.code = "c", .detail = "d"}));
  CHECK(is_control(also));
  CHECK(std::get<AlsoUpdate>(*decode_control(also)).nodes == std::vector<NodeId>{"w1", "w2"});
  CHECK(std::get<Goodbye>(*decode_control(goodbye)).detail == "d");
  for (const std::string& bytes : {also, goodbye}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode_control(std::string_view(bytes).substr(0, size)).has_value());
    }
    CHECK_FALSE(decode_control(bytes + "x").has_value());
  }
  CHECK_FALSE(decode_control(std::string("\0\7", 2)).has_value());
  CHECK_FALSE(decode_control(encode(PeerControl(AlsoUpdate{.nodes = {"no id"}}))).has_value());
  CHECK_FALSE(
      decode_control(encode(PeerControl(AlsoUpdate{.nodes = std::vector<NodeId>(17, "w")}))).has_value());
}

TEST_CASE("a full queue drops, and bulk waits for everything else") {
  using Lane = PeerSendQueue::Lane;
  PeerSendQueue queue({.queue_bytes = 10'000, .bulk_queue_bytes = 20'000});
  const auto put = [&](Lane lane, const std::string& payload) {
    return queue.put(lane, frame_head(payload), payload);
  };
  CHECK(queue.take().empty());
  CHECK(put(Lane::bulk, std::string(50'000, 'b')));  // longer than the limit, but nothing else waits
  CHECK(queue.is_full(Lane::bulk));
  CHECK_FALSE(put(Lane::bulk, "b"));
  CHECK(put(Lane::normal, "n1"));
  CHECK(put(Lane::normal, std::string(9'000, 'n')));
  CHECK_FALSE(put(Lane::normal, std::string(2'000, 'n')));
  CHECK(put(Lane::normal, "n2"));
  CHECK(queue.bytes(Lane::normal) <= 10'000);

  FrameReader reader(100'000);
  for (const PeerSendQueue::Chunk& chunk : queue.take()) {
    reader.append(chunk.head);
    reader.append(chunk.body);
  }
  const std::vector<std::string> sent = read_all(reader);
  REQUIRE(sent.size() == 4);
  CHECK(sent[0] == "n1");
  CHECK(sent[1].size() == 9'000);
  CHECK(sent[2] == "n2");
  CHECK(sent[3].size() == 50'000);
  CHECK(queue.take().empty());
  CHECK(queue.bytes(Lane::normal) == 0);
}

TEST_CASE("what is taken at once is bounded") {
  using Lane = PeerSendQueue::Lane;
  PeerSendQueue queue({.queue_bytes = 100'000'000});
  for (int i = 0; i < 10'000; ++i) CHECK(queue.put(Lane::normal, frame_head("x"), "x"));
  for (int i = 0; i < 100; ++i) CHECK(queue.put(Lane::normal, frame_head({}), std::string(100'000, 'x')));
  std::size_t takes = 0;
  for (auto batch = queue.take(); !batch.empty(); batch = queue.take()) {
    std::size_t bytes = 0;
    for (const auto& chunk : batch) bytes += chunk.size();
    CHECK(bytes <= 1024UL * 1024);
    CHECK(batch.size() <= 32);
    ++takes;
  }
  CHECK(takes < 15);
}

PeerHello sample_hello() {
  return {.cluster_id = "c1",
          .node = "n1",
          .instance = 0xFEDCBA9876543210,
          .boot = 5,
          .peer_address = "127.0.0.1:7001",
          .api_url = "http://127.0.0.1:8080",
          .also = {"w1", "w2"}};
}

TEST_CASE("processes introduce themselves") {
  const std::string request = peer_request(sample_hello(), "127.0.0.1:7002");
  for (std::size_t size = 0; size < request.size(); ++size) {
    REQUIRE_FALSE(parse_peer_request(std::string_view(request).substr(0, size)).has_value());
  }
  const auto asked = parse_peer_request(request + "more");
  REQUIRE(asked.has_value());
  REQUIRE(asked->has_value());
  CHECK((*asked)->hello == sample_hello());
  CHECK((*asked)->bytes == request.size());

  const std::string acceptance = peer_acceptance(sample_hello());
  const auto answered = parse_peer_answer(acceptance + "more", false);
  REQUIRE(answered.has_value());
  REQUIRE(answered->has_value());
  CHECK((*answered)->hello == sample_hello());
  CHECK((*answered)->bytes == acceptance.size());
}

TEST_CASE("a refusal comes back with its reason") {
  const std::string refusal =
      peer_refusal({.status = 409, .code = "duplicate_node_id", .detail = "Two \"n1\"."});
  for (std::size_t size = 0; size < refusal.size(); ++size) {
    REQUIRE_FALSE(parse_peer_answer(std::string_view(refusal).substr(0, size), false).has_value());
  }
  const auto parsed = parse_peer_answer(refusal, false);
  REQUIRE(parsed.has_value());
  REQUIRE_FALSE(parsed->has_value());
  CHECK(parsed->error().status == 409);
  CHECK(parsed->error().code == "duplicate_node_id");
  CHECK(parsed->error().detail == "Two \"n1\".");

  const auto other = parse_peer_answer("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n<html>", true);
  REQUIRE(other.has_value());
  CHECK(other->error().status == 502);
  CHECK(parse_peer_answer("SSH-2.0-OpenSSH\r\n", false)->error().code == "malformed_request");
  CHECK(parse_peer_answer("", true)->error().code == "malformed_request");
}

TEST_CASE("what is no introduction is refused with the status that says why") {
  const std::string good = peer_request(sample_hello(), "h");
  const auto status = [&](const std::string& from, const std::string& to) {
    std::string request = good;
    request.replace(request.find(from), from.size(), to);
    const auto parsed = parse_peer_request(request);
    REQUIRE(parsed.has_value());
    return parsed->has_value() ? 101U : parsed->error().status;
  };
  CHECK(status("GET", "GET") == 101);
  CHECK(status("GET", "PUT") == 400);
  CHECK(status("/v1/peer", "/v1/cluster") == 404);
  CHECK(status("Upgrade: quorate-peer\r\n", "") == 400);
  CHECK(status("Protocol: 1", "Protocol: 2") == 426);
  CHECK(status("Quorate-Node: n1", "Quorate-Node: n 1") == 400);
  CHECK(status("Quorate-Boot: 0", "Quorate-Boot: x") == 400);
  CHECK(status("Also: w1,", "Also: ,") == 400);
  CHECK(status("Cluster: c1", "Cluster: " + std::string(600, 'c')) == 400);
  CHECK(status("Cluster: c1", "Cluster: " + std::string(9'000, 'c')) == 400);
  CHECK(parse_peer_request(std::string(20, '\xFF'))->error().status == 400);
  CHECK(parse_peer_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")->error().status == 404);
}

TEST_CASE("a value cannot add a header field") {
  PeerHello hello = sample_hello();
  hello.api_url = "x\r\nQuorate-Also: evil";
  const auto parsed = parse_peer_request(peer_request(hello, "h"));
  REQUIRE(parsed->has_value());
  CHECK((*parsed)->hello.also == sample_hello().also);
}

}  // namespace
}  // namespace quorate
