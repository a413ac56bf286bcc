// quorate-echo: what HTTP and JSON cost by themselves, with the same Beast, the same requests and answers of the same
// shape, on one thread and without any database.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// Throws when the program is not beside this one, or does not answer.
std::unique_ptr<Target> start_echo(const std::filesystem::path& folder);

}  // namespace quorate::bench
