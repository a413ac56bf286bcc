#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/bench/goals.hpp"
#include "tests/bench/targets.hpp"

namespace quorate::bench {
namespace {

Measurement measured(const std::string& target, const std::string& name, std::size_t connections,
                     std::uint64_t per_second, std::chrono::microseconds latency) {
  RunResult run{.operations = per_second, .elapsed = std::chrono::seconds(1)};
  run.latency.record(latency);
  return {.name = name, .target = target, .connections = connections, .runs = {run}};
}

const GoalResult& result_of(const std::vector<Goal>& goals, const std::string& part,
                            const std::string& target) {
  for (const Goal& goal : goals) {
    if (!goal.text.contains(part)) continue;
    for (const GoalResult& result : goal.results) {
      if (result.subject == target) return result;
    }
  }
  throw std::runtime_error("no goal with " + part);
}

}  // namespace

TEST_CASE("a goal is met, missed or not measured, for each topology by itself") {
  using std::chrono::microseconds;
  const std::vector<Measurement> measurements{
      measured(kEmbedded, kInserts, 64, 5'000, microseconds(10)),
      measured(kThreeProcesses, kInserts, 64, 2'000, microseconds(10)),
      measured(kEcho, kInserts, 64, 10'000, microseconds(10)),
      measured(kEmbedded, kInserts, 1, 1'000, microseconds(500)),
      measured(kThreeProcesses, kInserts, 1, 1'000, microseconds(501)),
      measured(kEmbedded, kBulkInserts, 1, 3, microseconds(300'000)),
      measured(kThreeProcesses, kBulkInserts, 1, 2, microseconds(500'000)),
      measured(kDisk, kDiskSync, 1, 1, microseconds(150)),
      measured(kLoopback, kTwoRoundTrips, 1, 1, microseconds(50)),
  };
  const std::vector<Goal> goals = judge(measurements, 64);
  CHECK(result_of(goals, kEcho, kEmbedded).is_met);
  CHECK(result_of(goals, kEcho, kEmbedded).value == doctest::Approx(0.5));
  CHECK_FALSE(result_of(goals, kEcho, kThreeProcesses).is_met);
  CHECK_FALSE(result_of(goals, kEcho, kTwoAndWitness).value.has_value());
  CHECK_FALSE(result_of(goals, "rqlite", kEmbedded).value.has_value());
  CHECK_FALSE(result_of(goals, "rqlite", kEmbedded).is_met);
  CHECK(result_of(goals, "fdatasync", kEmbedded).value == doctest::Approx(2.5).epsilon(0.02));
  CHECK(result_of(goals, "p99 below", kEmbedded).is_met);
  CHECK(result_of(goals, kBulkInserts, kEmbedded).value == doctest::Approx(1.2));
  CHECK(result_of(goals, kBulkInserts, kEmbedded).is_met);
  CHECK_FALSE(result_of(goals, kBulkInserts, kThreeProcesses).is_met);
}

TEST_CASE("a median is of the runs, and so is each quantile") {
  Measurement measurement = measured("a", "b", 1, 100, std::chrono::microseconds(10));
  for (const std::uint64_t rate : {900, 300}) {
    measurement.runs.push_back(measured("a", "b", 1, rate, std::chrono::milliseconds(rate)).runs.front());
  }
  CHECK(measurement.median() == doctest::Approx(300));
  CHECK(measurement.slowest() == doctest::Approx(100));
  CHECK(measurement.fastest() == doctest::Approx(900));
  CHECK(measurement.latency(0.99) >= std::chrono::milliseconds(300));
  CHECK(measurement.latency(0.99) < std::chrono::milliseconds(310));
  CHECK(measurement.longest() >= std::chrono::milliseconds(900));
}

}  // namespace quorate::bench
