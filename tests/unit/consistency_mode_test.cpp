#include "core/consistency_mode.hpp"

#include <doctest/doctest.h>

namespace quorate {

TEST_CASE("a mode is read by exactly the name it is written with") {
  for (const ConsistencyMode mode : {ConsistencyMode::quorum, ConsistencyMode::dual_write}) {
    CHECK(parse_mode(to_string(mode)) == mode);
  }
  for (const char* text : {"", "Quorum", "dual-write", "dualwrite", "quorum "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_mode(text).has_value());
  }
}

TEST_CASE("a request may strengthen the mode, never weaken it") {
  CHECK(stronger(ConsistencyMode::quorum, ConsistencyMode::quorum) == ConsistencyMode::quorum);
  CHECK(stronger(ConsistencyMode::quorum, ConsistencyMode::dual_write) == ConsistencyMode::dual_write);
  CHECK(stronger(ConsistencyMode::dual_write, ConsistencyMode::quorum) == ConsistencyMode::dual_write);
}

}  // namespace quorate
