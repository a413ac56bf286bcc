// What programs cost: their processor time and memory, with those of all processes that they have started.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace quorate::bench {

struct ProcessUsage {
  std::chrono::duration<double> processor{0};  // user and system, since each process began; in steps of 10 ms
  std::uint64_t resident_kib = 0;              // memory that processes share counts for each
};

// Of these processes and their descendants; those that are gone count nothing, but for the processor time of children
// that somebody has waited for.
ProcessUsage usage_of(const std::vector<pid_t>& processes);

// The processor time of this process so far.
std::chrono::duration<double> own_processor_time();

}  // namespace quorate::bench
