// How long queries took lately, by their SQL text: which of them may run on a thread that others need soon.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

namespace quorate {

// Any thread; never blocks. Texts that share a slot share their times, and of two recorded at once one may be lost.
class QueryTimes {
 public:
  static constexpr std::int64_t kShortUs = 100;  // short: it takes less on average
  static constexpr std::int64_t kMostUs =
      1'000;  // longer ones count as this, so that one exception is soon forgotten

  bool is_short(std::string_view sql) const { return slot(sql) < kShortUs * kScale; }

  // The average moves by an eighth of the distance.
  void record(std::string_view sql, std::int64_t took_us) {
    std::atomic<std::int32_t>& average = slot(sql);
    const auto now = static_cast<std::int32_t>(std::clamp<std::int64_t>(took_us, 0, kMostUs) * kScale);
    const std::int32_t before = average.load(std::memory_order_relaxed);
    average.store(before + (now - before) / 8, std::memory_order_relaxed);
  }

 private:
  static constexpr int kScale = 16;  // sixteenths of a microsecond

  std::atomic<std::int32_t>& slot(std::string_view sql) const {
    return averages_[std::hash<std::string_view>{}(sql) % averages_.size()];
  }

  mutable std::array<std::atomic<std::int32_t>, 1024> averages_{};
};

}  // namespace quorate
