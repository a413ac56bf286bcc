// Tasks that run when a test says so.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "core/executor.hpp"

namespace quorate {

// What is posted for later never comes.
class ManualExecutor final : public Executor {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  void post_at(std::int64_t, Task) override {}
  std::int64_t now_us() const override { return 1; }
  std::int64_t wall_clock_us() const override { return 1; }
  std::uint64_t random() override { return 1; }

  bool run_one() {
    if (tasks_.empty()) return false;
    // On the heap, so that AddressSanitizer sees who uses it once it is over.
    const auto task = std::make_unique<Task>(std::move(tasks_.front()));
    tasks_.pop_front();
    (*task)();
    return true;
  }
  void run() {
    while (run_one()) {
    }
  }
  void drop() { std::exchange(tasks_, {}); }  // as an executor that has been stopped

 private:
  std::deque<Task> tasks_;
};

}  // namespace quorate
