// The Executor of the real process: one or more threads that share one queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/executor.hpp"

namespace quorate {

class ThreadExecutor final : public Executor {
 public:
  // `name` (at most 15 characters) is what tools such as top show for the threads.
  explicit ThreadExecutor(const std::string& name, std::size_t threads = 1);
  ~ThreadExecutor() override;  // stop()s

  void post(Task task) override;
  void post_at(std::int64_t when_us, Task task) override;
  std::int64_t now_us() const override;
  std::int64_t wall_clock_us() const override;
  std::uint64_t random() override;

  // Finishes the task that runs now, drops those that wait, joins the threads. Not from a task of its own. Idempotent.
  void stop();

 private:
  struct Timer {
    std::int64_t when_us;
    std::uint64_t sequence;
    std::shared_ptr<Task> task;
    bool operator>(const Timer& other) const {
      return std::tie(when_us, sequence) > std::tie(other.when_us, other.sequence);
    }
  };

  void run();
  bool next(std::unique_lock<std::mutex>& lock, Task& task);  // false: stopped

  std::mutex mutex_;  // guards all below but threads_
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t timer_sequence_ = 0;
  std::size_t waiting_ = 0;
  bool stopped_ = false;
  std::mt19937_64 random_;

  std::vector<std::thread> threads_;
};

}  // namespace quorate
