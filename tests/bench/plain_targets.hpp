// What HTTP, JSON and SQLite cost by themselves, with the same Beast, the same requests and answers of the same shape. Both
// throw when their program is not beside this one, or does not answer.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// quorate-echo: one thread, no database.
std::unique_ptr<Target> start_echo(const std::filesystem::path& folder);

// quorate-copies: three SQLite databases in one process, and nothing that decides. It takes inserts only.
std::unique_ptr<Target> start_copies(const std::filesystem::path& folder);

}  // namespace quorate::bench
