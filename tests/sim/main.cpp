// quorate-sim: runs seeds, replays one, or proves the simulator on broken rules.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/campaign.hpp"
#include "tests/sim/controls.hpp"

namespace quorate::sim {
namespace {

int replay(std::uint64_t seed, std::optional<Rule> broken) {
  try {
    World world(seed, broken, true);
    const Summary summary = world.run();
    std::printf("seed %llu holds; trace %016llx\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(summary.trace));
    return 0;
  } catch (const Violation& violation) {
    std::printf("FAILED seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.what());
    return 1;
  }
}

// A seed is worth something only if it replays exactly.
int run_twice(std::uint64_t first, std::uint64_t count) {
  int different = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto trace = [seed] { return World(seed, std::nullopt, false).run().trace; };
    if (trace() == trace()) continue;
    ++different;
    std::printf("seed %llu does not replay\n", static_cast<unsigned long long>(seed));
  }
  std::printf("%llu seeds run twice, %d differ\n", static_cast<unsigned long long>(count), different);
  return different;
}

std::optional<Rule> rule_of(const std::string& wanted) {
  for (const auto& [rule, name] : kRules) {
    if (name == wanted) return rule;
  }
  return std::nullopt;
}

}  // namespace
}  // namespace quorate::sim

int main(int argc, char** argv) {
  CLI::App app(
      "Runs Quorate's consensus and transactions in simulated time, where a seed decides everything.");
  std::uint64_t seeds = 1000;
  std::uint64_t first = 0;
  std::uint64_t limit = 1000;
  std::optional<std::uint64_t> seed;
  std::string rule;
  bool controls = false;
  bool twice = false;
  app.add_option("--seeds", seeds, "how many seeds to run");
  app.add_option("--first", first, "the first of them");
  app.add_option("--seed", seed, "replay this one, telling what happens");
  app.add_option("--rule", rule, "break this rule");
  app.add_flag("--controls", controls, "break every rule in turn: each must be noticed");
  app.add_flag("--twice", twice, "run each seed twice and compare");
  app.add_option("--limit", limit, "with --controls: within so many seeds, in most runs");
  CLI11_PARSE(app, argc, argv);
  // The sanitizers make a seed many times slower, so that `./dev asan` asks for fewer.
  if (const char* given = std::getenv("QUORATE_SIM_SEEDS"); given != nullptr && *given != '\0') {
    seeds = std::min<std::uint64_t>(seeds, std::stoull(given));
  }
  if (controls) return quorate::sim::run_controls(limit, rule);
  if (twice) return quorate::sim::run_twice(first, seeds);
  if (seed) return quorate::sim::replay(*seed, quorate::sim::rule_of(rule));
  return quorate::sim::run_seeds(first, seeds, quorate::sim::rule_of(rule));
}
