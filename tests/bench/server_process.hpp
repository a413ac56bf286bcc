// A real `quorate serve` with three nodes, run as a process of its own on an empty folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "tests/bench/child_process.hpp"

namespace quorate::bench {

// Whether the server at this port answers that it has caught up and knows a leader.
bool is_ready(std::uint16_t port);

class ServerProcess {
 public:
  // Starts the server with its databases in `folder`, and blocks until it is ready. Throws with the tail of its output
  // when it ends or is not ready within half a minute.
  ServerProcess(const std::filesystem::path& binary, const std::filesystem::path& folder);

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return process_.pid(); }

  // Asks it to end and waits. Returns false when it did not exit with 0 in time.
  bool stop() { return process_.stop(); }

 private:
  std::uint16_t port_;
  ChildProcess process_;
};

// Bytes of all files in the folder.
std::uint64_t disk_bytes(const std::filesystem::path& folder);

}  // namespace quorate::bench
