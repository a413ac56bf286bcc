// The programs of quorate-bench. Most start servers of their own, print a report, write it as JSON, and return false when
// anything went wrong: a wrong answer, a server that did not stop cleanly. The last is a load for a server that runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quorate::bench {

struct BenchOptions {
  std::filesystem::path server;                  // the binary to measure
  std::filesystem::path folder = "build/bench";  // for the reports, and for the databases while it runs
  std::string commit = "unknown";                // only reported
  std::string only;                              // of the targets of the table, those whose names contain it
  std::size_t connections = 64;                  // of the measurements with many
  int rounds = 3;
  std::chrono::milliseconds run_time{3'000};
  std::chrono::milliseconds warm_up{1'000};
  bool quick = false;          // of the curves, a few points only
  std::uint64_t max_gib = 10;  // of the curves: the largest database
  std::uint64_t cpu_transactions = 20'000;
  std::filesystem::path earlier;   // the binary that it is compared with
  std::vector<std::string> flags;  // of the present binary's servers, where it is compared
  std::uint64_t soak_transactions = 1'000'000;
  std::chrono::minutes soak_limit{45};  // a soak that is slower ends then
  std::uint16_t load_port = 0;          // of a server on 127.0.0.1 that runs already
  std::uint64_t load_transactions = 200'000;
};

// Measures everything in turn, `rounds` times over, so that a disturbance does not hit one measurement alone.
bool measure_speed(const BenchOptions& options);

// Measures how speed depends on load, connections, row size and database size, what idle connections cost, and how writes
// go on when the leader is killed.
bool measure_curves(const BenchOptions& options);

// Counts the instructions that a write transaction costs, over all nodes of a cluster of processes, with callgrind. Only
// the programs' own: what the system does for them is not seen.
bool measure_instructions(const BenchOptions& options);

// Compares two programs, as clusters of processes that run side by side: each round is a burst of each load for each of
// them, right after one another, so that what disturbs the machine disturbs both. The earlier one is there twice, to show
// what chance does.
bool compare(const BenchOptions& options);

// Changes the same rows for a long time and watches the server's memory. The content does not grow, so once the caches
// are full, memory must not either.
bool soak(const BenchOptions& options);

// Inserts rows through the server at load_port, one to a transaction, until load_transactions are done. Prints a line of
// JSON each second and at the end: the operations done and the errors so far, and the longest time without an answer
// since the line before. Returns false if there were errors.
bool load_running_server(const BenchOptions& options);

}  // namespace quorate::bench
