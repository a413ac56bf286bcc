#include "tests/bench/goals.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/bench/targets.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

constexpr std::array kTopologies{kEmbedded, kThreeProcesses, kTwoAndWitness};

std::optional<double> ratio(double above, double below) {
  if (below <= 0) return std::nullopt;
  return above / below;
}

class Judge {
 public:
  Judge(const std::vector<Measurement>& measurements, std::size_t many)
      : measurements_(measurements), many_(many) {}

  // The rate of `name` is to be at least `times` that of the other target, in `other_name`.
  void at_least(const std::string& name, double times, const std::string& other,
                const std::string& other_name) {
    add(fmt::format("{}, {} connections: at least {} × {}", name, many_, times, other), true, times,
        [=, this](const std::string& subject) -> std::optional<double> {
          const Measurement* const ours = find(measurements_, subject, name, many_);
          const Measurement* const theirs = find(measurements_, other, other_name, many_);
          if (ours == nullptr || theirs == nullptr) return std::nullopt;
          return ratio(ours->median(), theirs->median());
        });
  }

  void steady(const std::string& name, double times) {
    add(fmt::format("{}, {} connections: p99 below {} × p50", name, many_, times), false, times,
        [=, this](const std::string& subject) -> std::optional<double> {
          const Measurement* const ours = find(measurements_, subject, name, many_);
          if (ours == nullptr) return std::nullopt;
          return ratio(static_cast<double>(ours->latency(0.99).count()),
                       static_cast<double>(ours->latency(0.5).count()));
        });
  }

  void near_the_floor(const std::string& name, double times) {
    add(fmt::format("{}, 1 connection: p50 at most {} × (fdatasync + two round trips)", name, times), false,
        times, [=, this](const std::string& subject) -> std::optional<double> {
          const Measurement* const ours = find(measurements_, subject, name, 1);
          const Measurement* const disk = find(measurements_, kDisk, kDiskSync, 1);
          const Measurement* const loopback = find(measurements_, kLoopback, kTwoRoundTrips, 1);
          if (ours == nullptr || disk == nullptr || loopback == nullptr) return std::nullopt;
          return ratio(static_cast<double>(ours->latency(0.5).count()),
                       static_cast<double>((disk->latency(0.5) + loopback->latency(0.5)).count()));
        });
  }

  // So many transactions of `name` a second, each with kBulkRows rows.
  void bulk(const std::string& name, double rows_per_second) {
    add(fmt::format("{}: at least 1 × {:.0f} rows a second", name, rows_per_second), true, 1,
        [=, this](const std::string& subject) -> std::optional<double> {
          const Measurement* const ours = find(measurements_, subject, name, 1);
          if (ours == nullptr) return std::nullopt;
          return ratio(ours->median() * kBulkRows, rows_per_second);
        });
  }

  std::vector<Goal> goals() && { return std::move(goals_); }

 private:
  void add(std::string text, bool is_least, double bound,
           const std::function<std::optional<double>(const std::string& subject)>& measure) {
    Goal& goal = goals_.emplace_back(std::move(text));
    for (const char* const topology : kTopologies) {
      const std::optional<double> value = measure(topology);
      const bool is_met = value && (is_least ? *value >= bound : *value <= bound);
      goal.results.push_back({topology, value, is_met});
    }
  }

  const std::vector<Measurement>& measurements_;
  std::size_t many_;
  std::vector<Goal> goals_;
};

std::string cell(const GoalResult& result) {
  if (!result.value) return "not measured";
  return fmt::format("{:.2f} ×, {}", *result.value, result.is_met ? "met" : "not met");
}

// The targets in the order of their first measurement.
std::vector<std::string> targets_of(const std::vector<Measurement>& measurements) {
  std::vector<std::string> targets;
  for (const Measurement& measurement : measurements) {
    if (std::ranges::find(targets, measurement.target) == targets.end())
      targets.push_back(measurement.target);
  }
  return targets;
}

bool is_ours(const std::string& target) {
  return std::ranges::find(kTopologies, target) != kTopologies.end();
}

}  // namespace

const Measurement* find(const std::vector<Measurement>& measurements, const std::string& target,
                        const std::string& name, std::size_t connections) {
  const auto found = std::ranges::find_if(measurements, [&](const Measurement& measurement) {
    return measurement.target == target && measurement.name == name && measurement.connections == connections;
  });
  return found == measurements.end() ? nullptr : &*found;
}

std::vector<Goal> judge(const std::vector<Measurement>& measurements, std::size_t many) {
  Judge judge(measurements, many);
  judge.at_least(kInserts, 10, "rqlite", kInserts);
  judge.at_least(kInserts, 5, "dqlite", kInserts);
  judge.at_least(kInserts, 8, "etcd", kInserts);
  judge.at_least(kInserts, 3, "PostgreSQL", kInserts);
  judge.at_least(kInserts, 0.25, kEcho, kInserts);
  judge.steady(kInserts, 4);
  judge.near_the_floor(kInserts, 2.5);
  judge.at_least(kLocalReads, 0.6, kEcho, kLocalReads);
  judge.at_least(kLinearizableReads, 0.4, kEcho, kLocalReads);
  judge.bulk(kBulkInserts, 250'000);
  return std::move(judge).goals();
}

std::string to_markdown(const std::vector<Goal>& goals) {
  std::string text = "| goal |";
  for (const char* const topology : kTopologies) text += fmt::format(" {} |", topology);
  text += "\n|---|---|---|---|\n";
  for (const Goal& goal : goals) {
    text += fmt::format("| {} |", goal.text);
    for (const GoalResult& result : goal.results) text += fmt::format(" {} |", cell(result));
    text += '\n';
  }
  return text;
}

nlohmann::json to_json(const std::vector<Goal>& goals) {
  nlohmann::json list = nlohmann::json::array();
  for (const Goal& goal : goals) {
    for (const GoalResult& result : goal.results) {
      list.push_back({{"goal", goal.text},
                      {"target", result.subject},
                      {"measured", result.value ? nlohmann::json(*result.value) : nlohmann::json()},
                      {"met", result.is_met}});
    }
  }
  return list;
}

std::string ratios_to_markdown(const std::vector<Measurement>& measurements) {
  const std::vector<std::string> targets = targets_of(measurements);
  std::string text = "| how many times the rate of |";
  std::string line = "|---|";
  for (const std::string& target : targets) {
    text += is_ours(target) ? "" : fmt::format(" {} |", target);
    line += is_ours(target) ? "" : "---:|";
  }
  text += '\n' + line + '\n';
  for (const Measurement& ours : measurements) {
    if (!is_ours(ours.target)) continue;
    text += fmt::format("| {}, {}: {} |", ours.name, ours.connections, ours.target);
    for (const std::string& target : targets) {
      if (is_ours(target)) continue;
      const Measurement* const other = find(measurements, target, ours.name, ours.connections);
      const std::optional<double> value =
          other == nullptr ? std::nullopt : ratio(ours.median(), other->median());
      text += value ? fmt::format(" {:.2f} |", *value) : " |";
    }
    text += '\n';
  }
  return text;
}

}  // namespace quorate::bench
