// What the connections between processes may be told, and what processes tell each other when they connect:
// plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/membership.hpp"

namespace quorate {

// What a process says of itself when it connects, in both directions.
struct PeerHello {
  std::string cluster_id;  // empty: it belongs to no cluster yet
  NodeId node;
  Instance instance = 0;
  std::uint64_t boot = 0;    // random for each start of the process
  std::string peer_address;  // HOST:PORT where its peer port is reached
  std::string api_url;       // where its clients go
  bool witness = false;      // the node has no content
  std::vector<NodeId> also;  // further nodes that it hosts at this moment (a lock-file witness)
  bool operator==(const PeerHello&) const = default;

  bool hosts(const NodeId& id) const;
};

struct PeerLimits {
  std::size_t frame_bytes = 160UL * 1024 * 1024;  // of one message; a longer one is neither sent nor received
  std::size_t queue_bytes = 64UL * 1024 * 1024;   // waiting for one peer, but for pieces of snapshots
  std::size_t bulk_queue_bytes = 4UL * 1024 * 1024;  // pieces of snapshots waiting for one peer
  std::size_t handshakes = 64;  // accepted connections that are not yet known to be peers
};

struct PeerTimes {
  std::chrono::milliseconds handshake{3'000};  // from the connection's beginning until the peer is known
  std::chrono::milliseconds ping{1'000};       // after so long without anything to send
  std::chrono::milliseconds silence{5'000};    // nothing received for so long ends a connection
  std::chrono::milliseconds stall{5'000};      // nothing taken by the peer for so long, likewise
  std::chrono::milliseconds min_retry{50};     // before a failed dial is repeated; doubles
  std::chrono::milliseconds max_retry{1'000};
};

struct PeerOptions {
  std::string host = "127.0.0.1";  // where to listen: a numeric address or a host name
  std::uint16_t port = 0;          // 0: any free one
  PeerHello self;                  // without a peer_address it says host and port
  std::map<NodeId, std::string>
      addresses;  // HOST:PORT of peers to keep connected to; our own node is passed over
  PeerLimits limits;
  PeerTimes times;
};

}  // namespace quorate
