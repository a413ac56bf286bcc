// What is printed and kept: the conditions of a run, and one line per measurement.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"

namespace quorate::bench {

// All runs of one thing.
struct Measurement {
  std::string name;  // unique
  std::size_t connections = 1;
  std::vector<RunResult> runs;
  std::string compared;  // in words, to what; empty: to nothing

  double median() const;  // operations per second
  double slowest() const;
  double fastest() const;
  Histogram latency() const;  // of all runs together
  std::uint64_t errors() const;
};

// The machine, the program and the time: what a number is worth nothing without. `folder` is on the disk that is used.
nlohmann::json describe_conditions(const std::filesystem::path& folder, const std::string& commit);

nlohmann::json to_json(const std::vector<Measurement>& measurements);

// One markdown table, with the conditions below it.
std::string to_markdown(const nlohmann::json& conditions, const std::vector<Measurement>& measurements);
std::string conditions_to_markdown(const nlohmann::json& conditions);

// Writes build/bench/NAME-DATE.json, or wherever `folder` is, and returns its path.
std::filesystem::path write_json(const std::filesystem::path& folder, const std::string& name,
                                 const nlohmann::json& content);

}  // namespace quorate::bench
