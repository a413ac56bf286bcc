// How two processes get to know each other: the HTTP upgrade with which a connection between them begins. The
// caller asks `GET /v1/peer` with `Upgrade: quorate-peer`; 101 accepts, and frames (server/peer_frame.hpp)
// follow in both directions; any other status refuses, with a problem+json that a person with curl can read.
// Pure functions of bytes, for any thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "server/peer_options.hpp"

namespace quorate {

inline constexpr int kPeerProtocol = 1;

// Why a connection is refused. Codes: malformed_request (400), not_found (404), wrong_protocol (426),
// identity_mismatch, duplicate_node_id and connected_already (409), and those of ErrorCode with which
// PeerObserver::admit() refuses (403).
struct PeerRefusal {
  unsigned status = 400;
  std::string code;
  std::string detail;  // one or two sentences
};

// The other side has come to a connection between the two that it prefers to this one: nothing is wrong.
inline constexpr std::string_view kConnectedAlready = "connected_already";

std::string peer_request(const PeerHello& self, std::string_view address);
std::string peer_acceptance(const PeerHello& self);
std::string peer_refusal(const PeerRefusal& refusal);

struct PeerIntroduction {
  PeerHello hello;
  std::size_t bytes = 0;  // of the head; what follows it are frames
};
using ParsedIntroduction = std::expected<PeerIntroduction, PeerRefusal>;

// Reads what has arrived so far on an accepted connection; nothing: more must come. An error is the answer to
// give.
std::optional<ParsedIntroduction> parse_peer_request(std::string_view input);
// Reads what has arrived so far of the answer; `at_end`: no more will come. An error is the other side's
// refusal, or with code malformed_request why its answer is none.
std::optional<ParsedIntroduction> parse_peer_answer(std::string_view input, bool at_end);

}  // namespace quorate
