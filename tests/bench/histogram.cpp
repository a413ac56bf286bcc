#include "tests/bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quorate::bench {
namespace {

constexpr int kSubBucketBits = 6;
constexpr std::uint64_t kSubBuckets = 1ULL << kSubBucketBits;
constexpr std::uint64_t kMaxValue = (1ULL << 42) - 1;  // nanoseconds: a little more than an hour
constexpr std::size_t kBuckets = (42 - kSubBucketBits + 1) * kSubBuckets;

// Values below 64 have a bucket each; above, the highest seven bits of the value choose it.
std::size_t bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return value;
  const int shift = std::bit_width(value) - 1 - kSubBucketBits;
  return static_cast<std::size_t>(shift) * kSubBuckets + (value >> shift);
}

std::uint64_t highest_value_in(std::size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const std::size_t shift = bucket / kSubBuckets - 1;
  return ((bucket - shift * kSubBuckets + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::record(std::chrono::nanoseconds latency) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  ++buckets_[bucket_of(std::min(value, kMaxValue))];
  ++count_;
}

void Histogram::merge(const Histogram& other) {
  std::ranges::transform(buckets_, other.buckets_, buckets_.begin(), std::plus<>());
  count_ += other.count_;
}

void Histogram::clear() {
  std::ranges::fill(buckets_, 0);
  count_ = 0;
}

std::chrono::nanoseconds Histogram::at(double quantile) const {
  if (count_ == 0) return {};
  const auto wanted = std::max<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_))), 1);
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::chrono::nanoseconds(highest_value_in(bucket));
  }
  return std::chrono::nanoseconds(kMaxValue);
}

}  // namespace quorate::bench
