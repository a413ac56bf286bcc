// dqlite: SQLite behind Raft as a library, through the demo program of its Go binding, over HTTP.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// `program` is dqlite-demo.
std::unique_ptr<Target> start_dqlite(const std::filesystem::path& program,
                                     const std::filesystem::path& folder);

}  // namespace quorate::bench
