// Numbers for those who watch: what the writes came to, and how each data node of this process is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace quorate {

inline constexpr std::size_t kErrorCodes = static_cast<std::size_t>(ErrorCode::internal) + 1;

struct NodeCounts {
  std::string id;
  bool serves = false;
  bool leads = false;
  std::uint64_t term = 0;
  std::uint64_t commit_index = 0;  // known here to be decided
  std::uint64_t applied_index = 0;
  std::uint64_t log_bytes = 0;      // retained on the disk, about
  std::uint64_t queued_writes = 0;  // waiting to be prepared
  std::uint64_t streams = 0;        // results being streamed
};

struct CoreCounts {
  std::uint64_t decided = 0;                            // transactions answered as decided and applied
  std::array<std::uint64_t, kErrorCodes> refused = {};  // transactions answered with an error, by its code
  std::vector<NodeCounts> nodes;
};

}  // namespace quorate
