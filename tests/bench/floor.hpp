// What the disk and SQLite can do by themselves, on the same disk and in the same run: the measure for our own numbers.
#pragma once

#include <chrono>
#include <filesystem>

#include "tests/bench/load.hpp"

namespace quorate::bench {

// Overwrites 4 KiB of a file in place and makes it durable with fdatasync(), over and over.
RunResult measure_disk_sync(const std::filesystem::path& folder, std::chrono::milliseconds duration);

// Inserts rows like those of the insert workload into a bare SQLite database: WAL, synchronous=FULL, 100 rows to a
// transaction. An operation is a row, a latency is that of a whole transaction.
RunResult measure_bare_sqlite(const std::filesystem::path& folder, std::chrono::milliseconds duration);

}  // namespace quorate::bench
