#include <fmt/format.h>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/floor.hpp"
#include "tests/bench/goals.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/run_target.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/targets.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

class Table {
 public:
  explicit Table(const BenchOptions& options) : options_(options), kinds_(all_targets(options.server)) {
    std::erase_if(kinds_, [&](const TargetKind& kind) { return !kind.name.contains(options.only); });
    if (kinds_.empty()) throw std::runtime_error("no target has '" + options.only + "' in its name");
  }

  // Each target is started anew in each round and is alone while it is measured; each round begins with another one.
  void run_round(int round) {
    run_floors();
    for (std::size_t turn = 0; turn < kinds_.size(); ++turn) {
      const TargetKind& kind = kinds_[(turn + static_cast<std::size_t>(round)) % kinds_.size()];
      const ScratchFolder folder(options_.folder);
      const std::unique_ptr<Target> target = kind.start(folder.path());
      about_[kind.name] = {
          {"name", target->name()}, {"version", target->version()}, {"durability", target->durability()}};
      measure(*target);
      if (target->stop()) continue;
      fmt::print(stderr, "{} did not stop cleanly\n", kind.name);
      is_clean_ = false;
    }
  }

  bool is_clean() const { return is_clean_; }

  // Load by load, and in each in the order of the targets.
  std::vector<Measurement> measurements() const {
    std::vector<std::string> targets;
    for (const TargetKind& kind : kinds_) targets.push_back(kind.name);
    targets.insert(targets.end(), {kSqlite, kDisk, kLoopback});
    std::vector<std::pair<std::string, std::size_t>> loads;
    std::vector<std::vector<Measurement>> by_load;
    for (const std::string& target : targets) {
      for (const Measurement& measurement : measurements_) {
        if (measurement.target != target) continue;
        const std::pair load(measurement.name, measurement.connections);
        const auto place = static_cast<std::size_t>(std::ranges::find(loads, load) - loads.begin());
        if (place == loads.size()) {
          loads.push_back(load);
          by_load.emplace_back();
        }
        by_load[place].push_back(measurement);
      }
    }
    std::vector<Measurement> all;
    for (const auto& measured : by_load) all.insert(all.end(), measured.begin(), measured.end());
    return all;
  }

  nlohmann::json targets() const {
    nlohmann::json list = nlohmann::json::array();
    for (const TargetKind& kind : kinds_) list.push_back(about_.at(kind.name));
    return list;
  }

 private:
  void run_floors() {
    const ScratchFolder folder(options_.folder);
    const auto many = static_cast<int>(options_.connections);
    keep(kDisk, kDiskSync, 1, measure_disk_sync(folder.path(), options_.run_time));
    keep(kLoopback, kTwoRoundTrips, 1, measure_two_round_trips(options_.run_time));
    keep(kSqlite, kInserts, 1, measure_bare_sqlite(folder.path(), options_.run_time, 1));
    keep(kSqlite, kInserts, options_.connections,
         measure_bare_sqlite(folder.path(), options_.run_time, many));
  }

  void measure(Target& target) {
    const std::size_t many = options_.connections;
    for (const std::size_t connections : {std::size_t{1}, many}) {
      run(target, kInserts, connections, target.inserts(connections, kSmallRowBytes));
    }
    run(target, kLocalReads, many, target.reads(many, ReadKind::local));
    run(target, kLinearizableReads, many, target.reads(many, ReadKind::linearizable));
    for (ExtraLoad& extra : target.extras(many)) {
      run(target, extra.name, extra.connections, std::move(extra.workload));
    }
  }

  void run(Target& target, const std::string& name, std::size_t connections,
           std::unique_ptr<Workload> workload) {
    if (!workload) return;
    const LoadOptions load{.port = target.port(),
                           .connections = connections,
                           .warm_up = options_.warm_up,
                           .duration = options_.run_time};
    keep(target.name(), name, connections, run_target(target, load, *workload));
  }

  void keep(const std::string& target, const std::string& name, std::size_t connections, RunResult result) {
    fmt::print(stderr, "{}: {} at {}: {:.0f}/s\n", target, name, connections, result.per_second());
    if (result.errors > 0)
      fmt::print(stderr, "  {} errors, the first: {}\n", result.errors, result.first_error);
    const auto is_same = [&](const Measurement& measurement) {
      return measurement.target == target && measurement.name == name &&
             measurement.connections == connections;
    };
    auto found = std::ranges::find_if(measurements_, is_same);
    if (found == measurements_.end()) {
      found = measurements_.insert(found,
                                   {.name = name, .target = target, .connections = connections, .runs = {}});
    }
    found->runs.push_back(std::move(result));
  }

  const BenchOptions& options_;
  std::vector<TargetKind> kinds_;
  std::vector<Measurement> measurements_;
  std::map<std::string, nlohmann::json> about_;
  bool is_clean_ = true;
};

}  // namespace

bool measure_speed(const BenchOptions& options) {
  std::filesystem::create_directories(options.folder);
  nlohmann::json conditions = describe_conditions(options.folder, options.commit);
  Table table(options);
  for (int round = 0; round < options.rounds; ++round) table.run_round(round);
  const std::vector<Measurement> measurements = table.measurements();
  const std::vector<Goal> goals = judge(measurements, options.connections);
  conditions["targets"] = table.targets();

  fmt::print("{}\n{}\n{}\n", to_markdown(measurements), ratios_to_markdown(measurements), to_markdown(goals));
  for (const nlohmann::json& target : conditions["targets"]) {
    fmt::print("- {} ({}): {}\n", target.at("name").get<std::string>(),
               target.at("version").get<std::string>(), target.at("durability").get<std::string>());
  }
  fmt::print("\n{}\n", conditions_to_markdown(conditions));
  const nlohmann::json report{
      {"conditions", conditions}, {"measurements", to_json(measurements)}, {"goals", to_json(goals)}};
  fmt::print("Written to {}\n", write_json(options.folder, "speed", report).string());
  return table.is_clean() &&
         std::ranges::all_of(measurements, [](const Measurement& m) { return m.errors() == 0; });
}

}  // namespace quorate::bench
