#include <fmt/format.h>
#include <chrono>
#include <cstdio>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

// Another load of the same server begins above the ids of this one: none gives out a million of them in a second.
std::uint64_t first_id() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

void print_line(const RunResult& so_far, std::chrono::nanoseconds longest_gap) {
  fmt::print("{{\"operations\": {}, \"errors\": {}, \"longest_gap_ms\": {:.1f}}}\n", so_far.operations,
             so_far.errors, static_cast<double>(longest_gap.count()) / 1e6);
  std::fflush(stdout);
}

}  // namespace

bool load_running_server(const BenchOptions& options) {
  create_table(options.load_port);
  IdSource ids(first_id());
  InsertWorkload workload(options.connections, ids, "quorum");
  LoadOptions load;
  load.port = options.load_port;
  load.connections = options.connections;
  load.duration = std::chrono::hours(24);
  load.operations = options.load_transactions;
  load.every_second = print_line;
  const RunResult result = run_load(load, workload);
  print_line(result, {});
  if (result.errors > 0) fmt::print(stderr, "{} errors, the first: {}\n", result.errors, result.first_error);
  return result.errors == 0;
}

}  // namespace quorate::bench
