// The two promises a write can ask for.
#pragma once

#include <optional>
#include <string_view>

namespace quorate {

// quorum: a majority must have the transaction, the other nodes catch up.
// dual_write: every data node must prepare it, else it happens on none. It is the stronger of the two.
enum class ConsistencyMode { quorum, dual_write };

std::string_view to_string(ConsistencyMode mode);  // "quorum" or "dual_write"
std::optional<ConsistencyMode> parse_mode(std::string_view text);

// A request may strengthen the cluster's mode, never weaken it.
constexpr ConsistencyMode stronger(ConsistencyMode a, ConsistencyMode b) {
  return a == ConsistencyMode::dual_write ? a : b;
}

}  // namespace quorate
