// Latencies in logarithmic buckets, as HdrHistogram keeps them: 64 buckets per power of two, so that a value read
// back is at most 1.6 % too high. Constant memory, no allocation after construction. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::bench {

class Histogram {
 public:
  Histogram();

  // Values above about an hour count as an hour.
  void record(std::chrono::nanoseconds latency);
  void merge(const Histogram& other);
  void clear();

  std::uint64_t count() const { return count_; }

  // The latency that a share `quantile` (0 to 1) of the recorded ones does not exceed. Zero when nothing is recorded.
  std::chrono::nanoseconds at(double quantile) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
};

}  // namespace quorate::bench
