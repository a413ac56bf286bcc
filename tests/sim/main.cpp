// quorate-sim: runs seeds, replays one, or proves the simulator on broken rules.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

struct Failure {
  std::uint64_t seed;
  std::string what;
};

// Runs seeds from first on, on all cores; stops at the first failure if asked to.
struct Campaign {
  std::optional<Rule> broken;
  bool stop_at_failure = false;
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  Summary total;                  // guarded by mutex
  std::vector<Failure> failures;  // guarded by mutex

  void work(std::uint64_t end) {
    while (!stop) {
      const std::uint64_t seed = next++;
      if (seed >= end) return;
      try {
        World world(seed, broken, false);
        add(world.run());
      } catch (const Violation& violation) {
        const std::lock_guard lock(mutex);
        failures.push_back({seed, violation.what()});
        if (stop_at_failure) stop = true;
      }
    }
  }
  void add(const Summary& one) {
    const std::lock_guard lock(mutex);
    total.events += one.events;
    total.applied += one.applied;
    total.not_applied += one.not_applied;
    total.unknown += one.unknown;
    total.reads += one.reads;
    total.leaders += one.leaders;
    total.crashes += one.crashes;
    total.quarantines += one.quarantines;
    total.snapshots += one.snapshots;
    total.changes += one.changes;
    total.wipes += one.wipes;
  }
  void run(std::uint64_t first, std::uint64_t count) {
    next = first;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
      threads.emplace_back([this, end = first + count] { work(end); });
    }
    for (std::thread& thread : threads) thread.join();
    std::ranges::sort(failures, {}, &Failure::seed);
  }
};

int run_seeds(std::uint64_t first, std::uint64_t count) {
  Campaign campaign;
  campaign.run(first, count);
  const Summary& total = campaign.total;
  std::printf(
      "%llu seeds, %llu events: %llu writes applied, %llu not applied, %llu unknown, %llu reads, %llu "
      "leaders, "
      "%llu crashes, %llu quarantines, %llu snapshots installed, %llu transfers and removals, %llu nodes "
      "wiped\n",
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(total.events),
      static_cast<unsigned long long>(total.applied), static_cast<unsigned long long>(total.not_applied),
      static_cast<unsigned long long>(total.unknown), static_cast<unsigned long long>(total.reads),
      static_cast<unsigned long long>(total.leaders), static_cast<unsigned long long>(total.crashes),
      static_cast<unsigned long long>(total.quarantines), static_cast<unsigned long long>(total.snapshots),
      static_cast<unsigned long long>(total.changes), static_cast<unsigned long long>(total.wipes));
  for (const Failure& failure : campaign.failures) {
    std::printf("FAILED seed %llu: %s\n  replay: ./dev sim --seed %llu\n",
                static_cast<unsigned long long>(failure.seed), failure.what.c_str(),
                static_cast<unsigned long long>(failure.seed));
  }
  return campaign.failures.empty() ? 0 : 1;
}

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

// Rules whose breach costs messages or time, or needs a coincidence that random runs hardly meet: their controls drive the
// core by hand, in tests/unit/raft_test.cpp and raft_membership_test.cpp. The last two have tests but no control yet.
constexpr std::array kControlledByHand{
    Rule::conflict_hint,          Rule::vote_without_own_view, Rule::pre_vote_tells_true_term,
    Rule::stickiness_ends,        Rule::bounded_appends,       Rule::count_only_known_instances,
    Rule::change_needs_own_term,  Rule::one_change_at_a_time,  Rule::change_one_voter,
    Rule::promote_when_caught_up, Rule::change_rolls_back,     Rule::keep_promises_on_install,
    Rule::verify_snapshots,
};

// Each rule broken on purpose must be noticed within so many seeds.
int run_controls(std::uint64_t limit, const std::string& only) {
  int missed = 0;
  for (const auto& [rule, name] : kRules) {
    const bool by_hand = std::ranges::find(kControlledByHand, rule) != kControlledByHand.end();
    if (only.empty() ? by_hand : only != name) continue;
    Campaign campaign;
    campaign.broken = rule;
    campaign.stop_at_failure = true;
    campaign.run(0, limit);
    if (campaign.failures.empty()) {
      ++missed;
      std::printf("%-32s NOT CAUGHT in %llu seeds\n", std::string(name).c_str(),
                  static_cast<unsigned long long>(limit));
    } else {
      const std::string& what = campaign.failures.front().what;
      std::printf("%-32s caught by seed %llu: %s\n", std::string(name).c_str(),
                  static_cast<unsigned long long>(campaign.failures.front().seed),
                  what.substr(0, what.find('\n')).c_str());
    }
    std::fflush(stdout);
  }
  return missed;
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
  std::uint64_t limit = 4000;
  std::optional<std::uint64_t> seed;
  std::string rule;
  bool controls = false;
  bool twice = false;
  app.add_option("--seeds", seeds, "how many seeds to run");
  app.add_option("--first", first, "the first of them");
  app.add_option("--seed", seed, "replay this one, telling what happens");
  app.add_option("--rule", rule, "break this rule (with --seed or --controls)");
  app.add_flag("--controls", controls, "break every rule in turn: each must be noticed");
  app.add_flag("--twice", twice, "run each seed twice and compare");
  app.add_option("--limit", limit, "with --controls: within so many seeds");
  CLI11_PARSE(app, argc, argv);
  // The sanitizers make a seed many times slower, so that `./dev asan` asks for fewer.
  if (const char* given = std::getenv("QUORATE_SIM_SEEDS"); given != nullptr && *given != '\0') {
    seeds = std::min<std::uint64_t>(seeds, std::stoull(given));
  }
  if (controls) return quorate::sim::run_controls(limit, rule);
  if (twice) return quorate::sim::run_twice(first, seeds);
  if (seed) return quorate::sim::replay(*seed, quorate::sim::rule_of(rule));
  return quorate::sim::run_seeds(first, seeds);
}
