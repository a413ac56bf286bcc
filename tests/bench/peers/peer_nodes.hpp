// The processes of a peer's cluster, and how it is asked while it forms. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/child_process.hpp"

namespace quorate::bench {

inline constexpr std::size_t kPeerNodes = 3;

// "127.0.0.1:PORT"
std::string loopback(std::uint16_t port);

// Three ports of 127.0.0.1 that are free now.
std::vector<std::uint16_t> free_ports();

class PeerNodes {
 public:
  // Starts one more node. Throws when it cannot be started.
  void start(const std::vector<std::string>& command, const std::filesystem::path& output);

  // Blocks as wait_until() does, and throws likewise, with what all nodes have written.
  void wait_for(const std::string& what, const std::function<bool()>& condition);

  // In the order in which they were started, but the leader first.
  std::vector<pid_t> pids(std::size_t leader) const;

 private:
  std::vector<std::unique_ptr<ChildProcess>> processes_;
};

// The parsed answer. Blocks. Throws when there is none, when its status is not 200, and when it is not JSON.
nlohmann::json call_json(std::uint16_t port, std::string_view method, std::string_view path,
                         std::string_view body = {});

}  // namespace quorate::bench
