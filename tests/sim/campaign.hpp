// Runs many seeds on all cores.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/world.hpp"

namespace quorate::sim {

// Calls work() on one thread for each core, and returns when all have returned.
void on_all_cores(const std::function<void()>& work);

// Runs one seed; the violation, if a promise did not hold.
std::optional<std::string> violation_of(std::uint64_t seed, std::optional<Rule> broken, Summary& summary);

// Runs `count` seeds from `first` on, with the rule broken if one is given, and prints what happened in them, and every
// failure. Tells how far it is every half minute. Returns the process's exit code.
int run_seeds(std::uint64_t first, std::uint64_t count, std::optional<Rule> broken);

}  // namespace quorate::sim
