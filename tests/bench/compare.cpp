#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/goals.hpp"
#include "tests/bench/quantile.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/run_target.hpp"
#include "tests/bench/scratch_folder.hpp"

namespace quorate::bench {
namespace {

struct Burst {
  double per_second = 0;
  double processor_us = 0;  // of all nodes, for one operation
};

struct Load {
  std::string name;
  std::unique_ptr<Workload> workload;
  std::vector<Burst> bursts;
};

// One of those that are compared, while all of them run.
class Side {
 public:
  Side(std::string name, const QuorateOptions& options, const BenchOptions& bench)
      : name_(std::move(name)), bench_(bench), folder_(bench.folder), target_(options, folder_.path()) {
    loads_.push_back({kInserts, target_.inserts(bench.connections, kSmallRowBytes), {}});
    loads_.push_back({kLocalReads, target_.reads(bench.connections, ReadKind::local), {}});
    loads_.push_back({kLinearizableReads, target_.reads(bench.connections, ReadKind::linearizable), {}});
  }

  const std::string& name() const { return name_; }
  const std::vector<Load>& loads() const { return loads_; }

  void run_burst(std::size_t number, bool counts) {
    Load& load = loads_[number];
    const RunResult run = run_target(
        target_, {.port = target_.port(), .connections = bench_.connections, .duration = bench_.run_time},
        *load.workload);
    if (run.errors > 0) throw std::runtime_error(name_ + ": " + run.first_error);
    if (counts) load.bursts.push_back({run.per_second(), run.node_cores * 1e6 / run.per_second()});
  }

  bool stop() { return target_.stop(); }

 private:
  std::string name_;
  const BenchOptions& bench_;
  ScratchFolder folder_;
  QuorateTarget target_;
  std::vector<Load> loads_;
};

template <typename Read>
std::vector<double> values(const std::vector<Burst>& bursts, Read read) {
  std::vector<double> all;
  for (const Burst& burst : bursts) all.push_back(read(burst));
  return all;
}

// Of what came right after one another.
std::vector<double> ratios(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> all;
  for (std::size_t i = 0; i < ours.size(); ++i) all.push_back(ours[i] / theirs[i]);
  return all;
}

nlohmann::json compared(const Side& side, const Load& ours, const Load& theirs) {
  const auto rate = [](const Burst& burst) { return burst.per_second; };
  const auto cost = [](const Burst& burst) { return burst.processor_us; };
  const std::vector<double> rates = ratios(values(ours.bursts, rate), values(theirs.bursts, rate));
  const std::vector<double> costs = ratios(values(ours.bursts, cost), values(theirs.bursts, cost));
  return {{"load", ours.name},
          {"of", side.name()},
          {"per_second", quantile(values(ours.bursts, rate), 0.5)},
          {"ratio", quantile(rates, 0.5)},
          {"ratio_low", quantile(rates, 0.25)},
          {"ratio_high", quantile(rates, 0.75)},
          {"faster_in", std::ranges::count_if(rates, [](double each) { return each > 1; })},
          {"processor_us", quantile(values(ours.bursts, cost), 0.5)},
          {"processor_ratio", quantile(costs, 0.5)}};
}

void print_row(const nlohmann::json& row, int rounds) {
  const auto number = [&](const char* name) { return row.at(name).get<double>(); };
  fmt::print("| {} | {} | {:.0f} | {:.3f} | {:.3f}–{:.3f} | {:.0f} of {} | {:.2f} | {:.3f} |\n",
             row.at("load").get<std::string>(), row.at("of").get<std::string>(), number("per_second"),
             number("ratio"), number("ratio_low"), number("ratio_high"), number("faster_in"), rounds,
             number("processor_us"), number("processor_ratio"));
}

}  // namespace

bool compare(const BenchOptions& options) {
  std::filesystem::create_directories(options.folder);
  const nlohmann::json conditions = describe_conditions(options.folder, options.commit);
  const QuorateOptions earlier{.topology = Topology::three_processes, .binary = options.earlier};
  const QuorateOptions present{
      .topology = Topology::three_processes, .binary = options.server, .flags = options.flags};
  Side base("earlier", earlier, options);
  Side control("earlier, once more", earlier, options);  // shows what chance does
  Side subject("this program", present, options);

  std::array order{&base, &control, &subject};
  for (int round = 0; round <= options.rounds; ++round) {
    for (std::size_t load = 0; load < base.loads().size(); ++load) {
      for (Side* const side : order) side->run_burst(load, round > 0);
    }
    std::ranges::reverse(order);
  }
  bool is_clean = true;
  for (Side* const side : order) is_clean = side->stop() && is_clean;

  fmt::print(
      "| {} connections | of | per second (median of {}) | ratio to the earlier | middle half of the ratios "
      "| faster in | processor time of all nodes (µs) | ratio to the earlier |\n"
      "|---|---|---:|---:|---:|---:|---:|---:|\n",
      options.connections, options.rounds);
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t load = 0; load < base.loads().size(); ++load) {
    for (const Side* const side : {&control, &subject}) {
      rows.push_back(compared(*side, side->loads()[load], base.loads()[load]));
      print_row(rows.back(), options.rounds);
    }
  }
  fmt::print("\n{}\n", conditions_to_markdown(conditions));
  const nlohmann::json report{
      {"conditions", conditions}, {"connections", options.connections}, {"compared", rows}};
  fmt::print("Written to {}\n", write_json(options.folder, "compare", report).string());
  return is_clean;
}

}  // namespace quorate::bench
