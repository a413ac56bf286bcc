// A load on a target, with what its nodes cost meanwhile.
#pragma once

#include "tests/bench/load.hpp"
#include "tests/bench/target.hpp"

namespace quorate::bench {

// As run_load(), with RunResult::node_cores.
RunResult run_target(const Target& target, const LoadOptions& load, Workload& workload);

}  // namespace quorate::bench
