// Bounds the memory that large request bodies take in all connections together.
#pragma once

#include <atomic>
#include <cstddef>

namespace quorate {

class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes) : left_(static_cast<std::ptrdiff_t>(bytes)) {}

  // Any thread. False: nothing was taken.
  bool take(std::size_t bytes) {
    const auto wanted = static_cast<std::ptrdiff_t>(bytes);
    if (left_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) return true;
    give_back(bytes);
    return false;
  }
  void give_back(std::size_t bytes) {
    left_.fetch_add(static_cast<std::ptrdiff_t>(bytes), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::ptrdiff_t> left_;
};

// What one connection holds of the budget. Small bodies are free: the limit of connections bounds them.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  ~BodyShare() { release(); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  // False when the budget has no room for a body of that size.
  bool grow_to(std::size_t bytes) {
    if (bytes <= kFreeBytes || bytes <= held_) return true;
    const std::size_t target = (bytes + kStepBytes - 1) / kStepBytes * kStepBytes;
    if (!budget_.take(target - held_)) return false;
    held_ = target;
    return true;
  }
  void release() {
    if (held_ != 0) budget_.give_back(held_);
    held_ = 0;
  }

 private:
  static constexpr std::size_t kFreeBytes = 64UL * 1024;
  static constexpr std::size_t kStepBytes = 256UL * 1024;

  BodyBudget& budget_;
  std::size_t held_ = 0;
};

}  // namespace quorate
