// What is printed and kept: the conditions of a run, and one line per measurement.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"

namespace quorate::bench {

// All runs of one load on one target.
struct Measurement {
  std::string name;  // of the load
  std::string target;
  std::size_t connections = 1;
  std::vector<RunResult> runs;

  double median() const;  // operations per second
  double slowest() const;
  double fastest() const;
  std::chrono::nanoseconds latency(double quantile) const;  // the median of what it is in each run
  std::chrono::nanoseconds longest() const;                 // of all runs
  double node_cores() const;                                // the median
  double generator_cores() const;
  std::uint64_t errors() const;
};

// The machine, the program and the time: what a number is worth nothing without. `folder` is on the disk that is used.
nlohmann::json describe_conditions(const std::filesystem::path& folder, const std::string& commit);

nlohmann::json to_json(const std::vector<Measurement>& measurements);

// One markdown table.
std::string to_markdown(const std::vector<Measurement>& measurements);
std::string conditions_to_markdown(const nlohmann::json& conditions);

// Throughput and latencies of one run, as in the JSON of a measurement.
nlohmann::json to_json(const RunResult& run);

std::string time_text(std::chrono::nanoseconds time);

// Writes build/bench/NAME-DATE.json, or wherever `folder` is, and returns its path.
std::filesystem::path write_json(const std::filesystem::path& folder, const std::string& name,
                                 const nlohmann::json& content);

}  // namespace quorate::bench
