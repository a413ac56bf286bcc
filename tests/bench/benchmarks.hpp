// The two programs of quorate-bench. Both start a server of their own, print a report, write it as JSON, and return
// false when anything went wrong: a wrong answer, a server that did not stop cleanly.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace quorate::bench {

struct BenchOptions {
  std::filesystem::path server;                  // the binary to measure
  std::filesystem::path folder = "build/bench";  // for the reports, and for the databases while it runs
  std::string commit = "unknown";                // only reported
  std::size_t connections = 64;                  // of the measurements with many
  int rounds = 3;
  std::chrono::milliseconds run_time{3'000};
  std::chrono::milliseconds warm_up{1'000};
  std::uint64_t soak_transactions = 1'000'000;
  std::chrono::minutes soak_limit{45};  // a soak that is slower ends then
};

// Measures everything in turn, `rounds` times over, so that a disturbance does not hit one measurement alone.
bool measure_speed(const BenchOptions& options);

// Changes the same rows for a long time and watches the server's memory. The content does not grow, so once the caches
// are full, memory must not either.
bool soak(const BenchOptions& options);

}  // namespace quorate::bench
