#include <algorithm>
#include <thread>
#include <vector>

#include "tests/bench/curves.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/run_target.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace quorate::bench {
namespace {

constexpr std::chrono::milliseconds kSlot{10};
constexpr std::chrono::milliseconds kBefore{2'000};
constexpr std::chrono::milliseconds kAfter{4'000};
constexpr std::chrono::milliseconds kQuick{1'000};  // before and after, to show that it works

double longest_gap_ms(const std::vector<std::uint32_t>& slots) {
  std::size_t longest = 0;
  std::size_t gap = 0;
  for (const std::uint32_t operations : slots) {
    gap = operations == 0 ? gap + 1 : 0;
    longest = std::max(longest, gap);
  }
  return static_cast<double>(longest) * static_cast<double>(kSlot.count());
}

}  // namespace

void add_failover_curve(const BenchOptions& options, Curves& curves) {
  const auto before = options.quick ? kQuick : kBefore;
  const auto after = options.quick ? kQuick : kAfter;
  const int rounds = options.quick ? 1 : options.rounds;
  for (int round = 1; round <= rounds; ++round) {
    const ScratchFolder folder(options.folder);
    QuorateTarget target({.topology = Topology::three_processes, .binary = options.server}, folder.path());
    const LoadOptions load{.port = target.ports().at(1),
                           .connections = options.connections,
                           .warm_up = options.warm_up,
                           .duration = before + after,
                           .slot = kSlot};
    const auto workload = target.inserts(load.connections, kSmallRowBytes);
    std::jthread killer([&] {
      std::this_thread::sleep_for(load.warm_up + before);
      target.process(0).kill();
    });
    RunResult run = run_load(load, *workload);
    run.slot_operations.resize(static_cast<std::size_t>(load.duration / kSlot));
    curves.add("INSERT one row, the leader is killed", "round", target.name(), round, run,
               {{"slot_ms", kSlot.count()},
                {"killed_at_ms", before.count()},
                {"longest_gap_ms", longest_gap_ms(run.slot_operations)},
                {"slot_operations", run.slot_operations}});
  }
}

}  // namespace quorate::bench
