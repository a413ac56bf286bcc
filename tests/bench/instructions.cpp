#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace quorate::bench {
namespace {

// Each transaction comes when the one before it has been over for long, so that what it takes does not depend on how long
// anything takes: it is alone in its batch, and the followers are told of its commit by a message of its own.
constexpr double kArrivalsPerSecond = 40;
constexpr std::size_t kConnections = 4;  // for those that take longer than usual
constexpr std::size_t kNodes = 3;
constexpr std::chrono::seconds kStartLimit{300};

// Programs are some fifty times slower under callgrind: nobody is to take that for a failure.
const std::vector<std::string> kPatience{"--election-timeout-ms", "30000",  "--heartbeat-ms",        "1000",
                                         "--statement-time-ms",   "120000", "--default-timeout-ms",  "120000",
                                         "--prepare-timeout-ms",  "60000",  "--commit-wait-ms",      "60000",
                                         "--header-timeout-ms",   "120000", "--shutdown-timeout-ms", "20000"};

struct CountedRun {
  std::vector<std::uint64_t> instructions;  // of each node, the leader's first
  std::uint64_t transactions = 0;
  std::chrono::steady_clock::duration load_time{0};
};

std::uint64_t read_total(const std::filesystem::path& file) {
  std::ifstream input(file);
  for (std::string line; std::getline(input, line);) {
    if (line.starts_with("totals:")) return std::stoull(line.substr(line.find(':') + 1));
  }
  throw std::runtime_error("callgrind has not written " + file.string());
}

// A cluster's life with so many transactions, or with none for `idle`.
CountedRun count(const BenchOptions& options, std::uint64_t transactions,
                 std::chrono::steady_clock::duration idle) {
  const ScratchFolder folder(options.folder);
  // Debian 12's valgrind stumbles over the debug information of a newer compiler.
  const std::filesystem::path binary = folder.path() / "quorate";
  run_to_end({"strip", "--strip-debug", "-o", binary, options.server}, folder.path() / "strip.txt");
  QuorateTarget target({.topology = Topology::three_processes,
                        .binary = binary,
                        .flags = kPatience,
                        .wrapper = {"valgrind", "--tool=callgrind", "--error-exitcode=0",
                                    "--callgrind-out-file=" + (folder.path() / "callgrind.%p").string()},
                        .start_limit = kStartLimit},
                       folder.path());
  // What it took to get ready depends on how often it was asked whether it was.
  for (const pid_t node : target.nodes()) {
    run_to_end({"callgrind_control", "--zero", std::to_string(node)}, folder.path() / "zero.txt");
  }
  CountedRun run;
  const auto begin = std::chrono::steady_clock::now();
  if (transactions > 0) {
    const auto workload = target.inserts(kConnections, kSmallRowBytes);
    const std::chrono::duration<double> duration(static_cast<double>(transactions) / kArrivalsPerSecond);
    const RunResult result =
        run_load({.port = target.port(),
                  .connections = kConnections,
                  .arrivals_per_second = kArrivalsPerSecond,
                  .duration = std::chrono::duration_cast<std::chrono::milliseconds>(duration)},
                 *workload);
    if (result.errors > 0) throw std::runtime_error(result.first_error);
    run.transactions = result.operations;
    run.load_time = std::chrono::steady_clock::now() - begin;
  } else {
    std::this_thread::sleep_for(idle);
  }
  const std::vector<pid_t> nodes = target.nodes();
  if (!target.stop()) throw std::runtime_error("a server did not stop cleanly");
  for (const pid_t node : nodes) {
    run.instructions.push_back(read_total(folder.path() / fmt::format("callgrind.{}", node)));
  }
  return run;
}

struct Cost {
  double all = 0;
  std::vector<double> nodes;
};

Cost measure_once(const BenchOptions& options) {
  const CountedRun loaded = count(options, options.cpu_transactions, {});
  const CountedRun idle = count(options, 0, loaded.load_time);
  Cost cost;
  for (std::size_t node = 0; node < kNodes; ++node) {
    const auto more =
        static_cast<double>(loaded.instructions[node]) - static_cast<double>(idle.instructions[node]);
    cost.nodes.push_back(more / static_cast<double>(loaded.transactions));
    cost.all += cost.nodes.back();
  }
  return cost;
}

}  // namespace

bool measure_instructions(const BenchOptions& options) {
  std::filesystem::create_directories(options.folder);
  const nlohmann::json conditions = describe_conditions(options.folder, options.commit);
  nlohmann::json runs = nlohmann::json::array();
  std::vector<double> all;
  for (int round = 1; round <= options.rounds; ++round) {
    const Cost cost = measure_once(options);
    fmt::print(stderr, "round {}: {:.0f} instructions\n", round, cost.all);
    runs.push_back({{"all_nodes", cost.all}, {"nodes", cost.nodes}});
    all.push_back(cost.all);
  }
  std::ranges::sort(all);
  const double median = (all[(all.size() - 1) / 2] + all[all.size() / 2]) / 2;
  const double spread = (all.back() - all.front()) / median;

  fmt::print(
      "| instructions of a transaction (INSERT one row, {} transactions, {:.0f} a second) | |\n|---|---:|\n",
      options.cpu_transactions, kArrivalsPerSecond);
  fmt::print("| all three nodes, median of {} runs | {:.0f} |\n", options.rounds, median);
  fmt::print("| least–most | {:.0f}–{:.0f} ({:.1f} %) |\n", all.front(), all.back(), spread * 100);
  for (std::size_t node = 0; node < kNodes; ++node) {
    fmt::print("| {} | {:.0f} |\n", node == 0 ? "leader, last run" : "follower, last run",
               runs.back().at("nodes").at(node).get<double>());
  }
  fmt::print("\n{}\n", conditions_to_markdown(conditions));
  const nlohmann::json report{{"conditions", conditions},
                              {"transactions", options.cpu_transactions},
                              {"arrivals_per_second", kArrivalsPerSecond},
                              {"instructions_median", median},
                              {"spread", spread},
                              {"runs", runs}};
  fmt::print("Written to {}\n", write_json(options.folder, "cpu", report).string());
  return true;
}

}  // namespace quorate::bench
