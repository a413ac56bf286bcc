#include "tests/bench/run_target.hpp"

#include "tests/bench/process_usage.hpp"

namespace quorate::bench {

RunResult run_target(const Target& target, const LoadOptions& load, Workload& workload) {
  const auto begin = std::chrono::steady_clock::now();
  const ProcessUsage before = usage_of(target.nodes());
  RunResult result = run_load(load, workload);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  result.node_cores = (usage_of(target.nodes()).processor - before.processor) / wall;
  return result;
}

}  // namespace quorate::bench
