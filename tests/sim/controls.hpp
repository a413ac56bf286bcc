// Negative controls: every rule of core/consensus/rules.hpp, broken on purpose, must be noticed.
#pragma once

#include <cstdint>
#include <string>

namespace quorate::sim {

// Breaks each rule in turn, or only the one named, in several disjoint runs of seeds, and prints for each rule how many
// seeds it takes at the median until it is noticed. Returns how many rules are not, in most runs, within `limit` seeds.
int run_controls(std::uint64_t limit, const std::string& only);

}  // namespace quorate::sim
