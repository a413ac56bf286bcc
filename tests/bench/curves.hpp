// How one thing depends on another: series of points, one series for each target.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/load.hpp"

namespace quorate::bench {

class Curves {
 public:
  // A point at `x` of the series of this target, with all of the run's figures and `more`. Curves are told apart by
  // `name`, and are shown in the order of their first points. `x_label` is what x is, with its unit.
  void add(const std::string& name, const std::string& x_label, const std::string& target, double x,
           const RunResult& run, const nlohmann::json& more = nlohmann::json::object());

  bool has_errors() const { return has_errors_; }
  const nlohmann::json& json() const { return curves_; }
  std::string markdown() const;

 private:
  nlohmann::json& series(const std::string& name, const std::string& x_label, const std::string& target);

  nlohmann::json curves_ = nlohmann::json::array();
  bool has_errors_ = false;
};

// Latency over throughput in an open loop, and throughput over connections and over row size: of every target.
void add_load_curves(const BenchOptions& options, Curves& curves);

// Updates and reads over the size of the database; memory over idle connections. Of Quorate, embedded.
void add_size_curves(const BenchOptions& options, Curves& curves);

// Writes over time while the leader is killed, through another node: of three processes. Errors belong to it.
void add_failover_curve(const BenchOptions& options, Curves& curves);

}  // namespace quorate::bench
