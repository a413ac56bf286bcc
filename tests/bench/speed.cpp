#include <fmt/format.h>
#include <cstdio>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/bench/benchmarks.hpp"
#include "tests/bench/floor.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/server_process.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

constexpr const char* kDiskSync = "disk: 4 KiB write and fdatasync";
constexpr const char* kBareSqlite = "bare SQLite: rows, 100 to a transaction";

struct Planned {
  Measurement measurement;
  std::function<RunResult()> run;
};

class Plan {
 public:
  Plan(const BenchOptions& options, std::uint16_t port, const std::filesystem::path& folder)
      : options_(options), port_(port) {
    add(kDiskSync, 1, [=] { return measure_disk_sync(folder, options.run_time); });
    add(kBareSqlite, 1, [=] { return measure_bare_sqlite(folder, options.run_time); });
    const std::size_t many = options.connections;
    for (const char* mode : {"quorum", "dual_write"}) {
      for (const std::size_t connections : {std::size_t{1}, many}) {
        add_load(fmt::format("INSERT one row, {}", mode), connections,
                 std::make_unique<InsertWorkload>(connections, ids_, mode));
      }
    }
    add_load("UPDATE with version check, quorum", many, std::make_unique<UpdateWorkload>(many));
    for (const char* consistency : {"local", "leader", "linearizable"}) {
      for (const std::size_t connections : {std::size_t{1}, many}) {
        add_load(fmt::format("SELECT by id, {}", consistency), connections,
                 std::make_unique<PointQueryWorkload>(connections, consistency));
      }
    }
  }

  void run_round(int round) {
    for (Planned& planned : planned_) {
      Measurement& measurement = planned.measurement;
      const RunResult& result = measurement.runs.emplace_back(planned.run());
      fmt::print(stderr, "round {}: {} at {}: {:.0f}/s\n", round, measurement.name, measurement.connections,
                 result.per_second());
      if (result.errors > 0)
        fmt::print(stderr, "  {} errors, the first: {}\n", result.errors, result.first_error);
    }
  }

  // Adds what each is to be compared with.
  std::vector<Measurement> finish() {
    std::vector<Measurement> measurements;
    for (Planned& planned : planned_) measurements.push_back(std::move(planned.measurement));
    const Measurement& disk = measurements.at(0);
    Measurement& bare = measurements.at(1);
    bare.compared = "times are of a transaction";
    for (Measurement& measurement : measurements) {
      if (!measurement.name.starts_with("INSERT")) continue;
      const double rate = bare.median() > 0 ? measurement.median() / bare.median() : 0;
      const auto sync_time = static_cast<double>(std::max<std::int64_t>(disk.latency().at(0.5).count(), 1));
      const double time = static_cast<double>(measurement.latency().at(0.5).count()) / sync_time;
      measurement.compared = measurement.connections == 1 ? fmt::format("p50 is {:.1f} × the disk's", time)
                                                          : fmt::format("{:.2f} × bare SQLite", rate);
    }
    return measurements;
  }

 private:
  void add(std::string name, std::size_t connections, std::function<RunResult()> run) {
    planned_.push_back(
        {{.name = std::move(name), .connections = connections, .runs = {}, .compared = {}}, std::move(run)});
  }

  void add_load(std::string name, std::size_t connections, std::unique_ptr<Workload> workload) {
    Workload& kept = *workloads_.emplace_back(std::move(workload));
    LoadOptions load;
    load.port = port_;
    load.connections = connections;
    load.warm_up = options_.warm_up;
    load.duration = options_.run_time;
    add(std::move(name), connections, [load, &kept] { return run_load(load, kept); });
  }

  const BenchOptions& options_;
  std::uint16_t port_;
  IdSource ids_;
  std::vector<std::unique_ptr<Workload>> workloads_;
  std::vector<Planned> planned_;
};

}  // namespace

bool measure_speed(const BenchOptions& options) {
  const ScratchFolder folder(options.folder);
  const nlohmann::json conditions = describe_conditions(folder.path(), options.commit);
  ServerProcess server(options.server, folder.path());
  prepare_table(server.port());
  Plan plan(options, server.port(), folder.path());
  for (int round = 1; round <= options.rounds; ++round) plan.run_round(round);
  const bool stopped = server.stop();
  if (!stopped) fmt::print(stderr, "the server did not stop cleanly\n");

  const std::vector<Measurement> measurements = plan.finish();
  fmt::print("{}\n", to_markdown(conditions, measurements));
  const nlohmann::json report{{"conditions", conditions}, {"measurements", to_json(measurements)}};
  fmt::print("Written to {}\n", write_json(options.folder, "speed", report).string());
  return stopped && std::ranges::all_of(measurements, [](const Measurement& m) { return m.errors() == 0; });
}

}  // namespace quorate::bench
