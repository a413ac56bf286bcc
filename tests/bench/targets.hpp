// All that the table and the curves compare, in the order in which they are shown.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/target.hpp"

namespace quorate::bench {

struct TargetKind {
  std::string name;  // as the target's own
  std::function<std::unique_ptr<Target>(const std::filesystem::path& folder)> start;
};

inline constexpr const char* kEmbedded = "Quorate, embedded";
inline constexpr const char* kThreeProcesses = "Quorate, three processes";
inline constexpr const char* kTwoAndWitness = "Quorate, two and a witness";
inline constexpr const char* kEcho = "echo server";
inline constexpr const char* kCopies = "HTTP and three SQLite databases alone";

// Quorate's topologies; the programs beside the benchmark's own that show what the machine can do; and each peer whose
// program is named by its environment variable. For each peer that is not, one line says so on standard error.
std::vector<TargetKind> all_targets(const std::filesystem::path& server);

}  // namespace quorate::bench
