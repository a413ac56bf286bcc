// rqlite: SQLite behind Raft, over HTTP.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// `program` is rqlited.
std::unique_ptr<Target> start_rqlite(const std::filesystem::path& program,
                                     const std::filesystem::path& folder);

}  // namespace quorate::bench
