// What Quorate's speed is to be, against its peers and against what the machine can do; and whether it is.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/report.hpp"

namespace quorate::bench {

inline constexpr const char* kInserts = "INSERT one row";
inline constexpr const char* kLocalReads = "SELECT by id, local";
inline constexpr const char* kLinearizableReads = "SELECT by id, linearizable";
inline constexpr const char* kBulkInserts = "INSERT 100,000 rows in one request";
// The floors, as targets.
inline constexpr const char* kSqlite = "bare SQLite";
inline constexpr const char* kDisk = "disk";
inline constexpr const char* kLoopback = "loopback";
inline constexpr const char* kDiskSync = "4 KiB write and fdatasync";
inline constexpr const char* kTwoRoundTrips = "two round trips";

// The measurement of this load on this target; null when there is none.
const Measurement* find(const std::vector<Measurement>& measurements, const std::string& target,
                        const std::string& name, std::size_t connections);

struct GoalResult {
  std::string subject;          // the topology
  std::optional<double> value;  // nothing when what it is compared with was not measured
  bool is_met = false;
};

struct Goal {
  std::string text;
  std::vector<GoalResult> results;
};

// Each goal for each of Quorate's topologies. `many` is how many connections stand for many.
std::vector<Goal> judge(const std::vector<Measurement>& measurements, std::size_t many);

std::string to_markdown(const std::vector<Goal>& goals);
nlohmann::json to_json(const std::vector<Goal>& goals);

// How many times the rate of each other target Quorate's topologies have, load by load.
std::string ratios_to_markdown(const std::vector<Measurement>& measurements);

}  // namespace quorate::bench
