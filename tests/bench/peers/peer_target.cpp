#include "tests/bench/peers/peer_target.hpp"

#include <algorithm>
#include <utility>

namespace quorate::bench {

namespace {

std::vector<std::uint16_t> free_ports() {
  std::vector<std::uint16_t> ports(kPeerNodes);
  std::ranges::generate(ports, free_port);
  return ports;
}

}  // namespace

PeerTarget::PeerTarget() : ports_(free_ports()), peer_ports_(free_ports()) {}

std::vector<pid_t> PeerTarget::nodes() const {
  std::vector<pid_t> pids = nodes_.pids();
  std::swap(pids.front(), pids.at(leader_));
  return pids;
}

}  // namespace quorate::bench
