// The processes of a peer's cluster. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/bench/child_process.hpp"

namespace quorate::bench {

inline constexpr std::size_t kPeerNodes = 3;

// Three ports of 127.0.0.1 that are free now.
std::vector<std::uint16_t> free_ports();

class PeerNodes : public ChildProcesses {
 public:
  // In the order in which they were started, but the leader first.
  std::vector<pid_t> pids(std::size_t leader) const;
};

}  // namespace quorate::bench
