// What the targets of rqlite, etcd and dqlite share: three processes with two ports each, of which one leads. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/child_process.hpp"
#include "tests/bench/target.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {

inline constexpr std::size_t kPeerNodes = 3;

// What it has of each node is in the order in which the nodes are started.
class PeerTarget : public Target {
 public:
  std::string version() const override { return version_; }
  std::vector<pid_t> nodes() const override;
  std::uint16_t port() const override { return ports_[leader_]; }

 protected:
  PeerTarget();  // chooses the ports, and starts nothing

  std::vector<std::uint16_t> ports_;       // of each node, for HTTP
  std::vector<std::uint16_t> peer_ports_;  // of each node, for the others
  ChildProcesses nodes_;
  std::size_t leader_ = 0;
  std::string version_;
  IdSource ids_;
};

}  // namespace quorate::bench
