#include <fmt/format.h>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/quantile.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace quorate::bench {
namespace {

constexpr std::size_t kNodes = 3;
constexpr std::chrono::seconds kStartLimit{300};
constexpr std::chrono::minutes kLoadLimit{20};
constexpr std::uint64_t kWarmUpTransactions = 2'000;

// Programs are some fifty times slower under callgrind: nobody is to take that for a failure.
const std::vector<std::string> kPatience{"--election-timeout-ms", "30000",  "--heartbeat-ms",        "1000",
                                         "--statement-time-ms",   "120000", "--default-timeout-ms",  "120000",
                                         "--prepare-timeout-ms",  "60000",  "--commit-wait-ms",      "60000",
                                         "--header-timeout-ms",   "120000", "--shutdown-timeout-ms", "20000"};

std::uint64_t read_total(const std::filesystem::path& file) {
  std::ifstream input(file);
  for (std::string line; std::getline(input, line);) {
    if (line.starts_with("totals:")) return std::stoull(line.substr(line.find(':') + 1));
  }
  throw std::runtime_error("callgrind has not written " + file.string());
}

// Returns how many it has written: what is under way when there are enough is finished.
std::uint64_t write_rows(const QuorateTarget& target, Workload& workload, std::size_t connections,
                         std::uint64_t transactions) {
  const RunResult result = run_load(
      {.port = target.port(), .connections = connections, .duration = kLoadLimit, .operations = transactions},
      workload);
  if (result.errors > 0) throw std::runtime_error(result.first_error);
  if (result.operations < transactions) throw std::runtime_error("the transactions take too long");
  return result.operations;
}

// A cluster's life: what each node, the leader first, does for a transaction while many connections write. What it does
// by itself meanwhile counts, too, but next to nothing, because there are so many transactions to share it.
std::vector<double> count(const BenchOptions& options) {
  const ScratchFolder folder(options.folder);
  // Debian 12's valgrind stumbles over the debug information of a newer compiler.
  const std::filesystem::path binary = folder.path() / "quorate";
  run_to_end({"strip", "--strip-debug", "-o", binary, options.server}, folder.path() / "strip.txt");
  QuorateTarget target(
      {.topology = Topology::three_processes,
       .binary = binary,
       .flags = kPatience,
       .wrapper = {"valgrind", "--tool=callgrind", "--error-exitcode=0", "--instr-atstart=no",
                   "--callgrind-out-file=" + (folder.path() / "callgrind.%p").string()},
       .start_limit = kStartLimit},
      folder.path());
  const std::vector<pid_t> nodes = target.nodes();
  const auto set_counting = [&](const char* on_or_off) {
    for (const pid_t node : nodes) {
      run_to_end({"callgrind_control", "--instr=" + std::string(on_or_off), std::to_string(node)},
                 folder.path() / "control.txt");
    }
  };
  const auto workload = target.inserts(options.connections, kSmallRowBytes);
  write_rows(target, *workload, options.connections, kWarmUpTransactions);
  set_counting("on");
  const std::uint64_t written = write_rows(target, *workload, options.connections, options.cpu_transactions);
  set_counting("off");
  if (!target.stop()) throw std::runtime_error("a server did not stop cleanly");
  std::vector<double> instructions;
  for (const pid_t node : nodes) {
    const std::uint64_t total = read_total(folder.path() / fmt::format("callgrind.{}", node));
    instructions.push_back(static_cast<double>(total) / static_cast<double>(written));
  }
  return instructions;
}

// Of several runs.
struct Counted {
  explicit Counted(std::string name) : whose(std::move(name)) {}
  std::string whose;
  std::vector<double> runs;

  nlohmann::json json() const { return {{"of", whose}, {"median", quantile(runs, 0.5)}, {"runs", runs}}; }
  std::string row() const {
    return fmt::format("| {} | {:.0f} | {:.0f}–{:.0f} |\n", whose, quantile(runs, 0.5), quantile(runs, 0),
                       quantile(runs, 1));
  }
};

}  // namespace

bool measure_instructions(const BenchOptions& options) {
  std::filesystem::create_directories(options.folder);
  const nlohmann::json conditions = describe_conditions(options.folder, options.commit);
  std::vector<Counted> counted{Counted("all three nodes"), Counted("leader"), Counted("a follower"),
                               Counted("the other follower")};
  for (int round = 1; round <= options.rounds; ++round) {
    const std::vector<double> nodes = count(options);
    double all = 0;
    for (std::size_t node = 0; node < kNodes; ++node) {
      counted[node + 1].runs.push_back(nodes[node]);
      all += nodes[node];
    }
    counted.front().runs.push_back(all);
    fmt::print(stderr, "round {}: {:.0f} instructions\n", round, all);
  }

  fmt::print(
      "| instructions of a transaction (INSERT one row, {} connections, {} transactions) | median of {} "
      "| least–most |\n|---|---:|---:|\n",
      options.connections, options.cpu_transactions, options.rounds);
  nlohmann::json list = nlohmann::json::array();
  for (const Counted& each : counted) {
    fmt::print("{}", each.row());
    list.push_back(each.json());
  }
  fmt::print("\n{}\n", conditions_to_markdown(conditions));
  const nlohmann::json report{{"conditions", conditions},
                              {"connections", options.connections},
                              {"transactions", options.cpu_transactions},
                              {"instructions", list}};
  fmt::print("Written to {}\n", write_json(options.folder, "cpu", report).string());
  return true;
}

}  // namespace quorate::bench
