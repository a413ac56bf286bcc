// PostgreSQL as a primary with two standbys, of which one must have flushed a commit before it is acknowledged.
#pragma once

#include <filesystem>
#include <memory>

#include "tests/bench/target.hpp"

namespace quorate::bench {

// `binaries` is the folder with initdb, pg_basebackup and postgres. As root, which may not run them, they run as the
// user nobody, who must be able to reach `folder`.
std::unique_ptr<Target> start_postgres(const std::filesystem::path& binaries,
                                       const std::filesystem::path& folder);

}  // namespace quorate::bench
