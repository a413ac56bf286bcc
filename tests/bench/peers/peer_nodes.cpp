#include "tests/bench/peers/peer_nodes.hpp"

#include <algorithm>
#include <utility>

namespace quorate::bench {

std::vector<std::uint16_t> free_ports() {
  std::vector<std::uint16_t> ports;
  while (ports.size() < kPeerNodes) {
    const std::uint16_t port = free_port();
    if (std::ranges::find(ports, port) == ports.end()) ports.push_back(port);
  }
  return ports;
}

std::vector<pid_t> PeerNodes::pids(std::size_t leader) const {
  std::vector<pid_t> pids = ChildProcesses::pids();
  std::swap(pids.front(), pids.at(leader));
  return pids;
}

}  // namespace quorate::bench
