// What disk, SQLite and loopback can do by themselves, in the same run: the measure for our own numbers. Each blocks
// for the duration, and throws when the system refuses.
#pragma once

#include <chrono>
#include <filesystem>

#include "tests/bench/load.hpp"

namespace quorate::bench {

// Overwrites 4 KiB of a file in place and makes it durable with fdatasync(), over and over.
RunResult measure_disk_sync(const std::filesystem::path& folder, std::chrono::milliseconds duration);

// Inserts rows like those of the insert workload into a bare SQLite database: WAL, synchronous=FULL, so many rows to a
// transaction. An operation is a row, a latency is that of a whole transaction.
RunResult measure_bare_sqlite(const std::filesystem::path& folder, std::chrono::milliseconds duration,
                              int rows_per_transaction);

// Sends a small message to another thread over TCP on 127.0.0.1 and gets it back, twice: the way from a client to the
// leader and from the leader to a follower. An operation is both together.
RunResult measure_two_round_trips(std::chrono::milliseconds duration);

}  // namespace quorate::bench
