#include "core/consistency_mode.hpp"

namespace quorate {

std::string_view to_string(ConsistencyMode mode) {
  return mode == ConsistencyMode::quorum ? "quorum" : "dual_write";
}

std::optional<ConsistencyMode> parse_mode(std::string_view text) {
  if (text == "quorum") return ConsistencyMode::quorum;
  if (text == "dual_write") return ConsistencyMode::dual_write;
  return std::nullopt;
}

}  // namespace quorate
