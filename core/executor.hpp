// A thread as the core sees it: a queue of tasks, a clock and a source of chance. In the process it is a real thread
// (thread_executor.hpp), in the simulator a seeded scheduler; the core cannot tell the difference.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace quorate {

using Task = std::move_only_function<void()>;

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs the task later, after those posted before it (an executor of several threads: begins it after them). May be
  // called from any thread; never blocks and never runs the task inside the call. A task must not throw.
  virtual void post(Task task) = 0;
  // The same, not before `when` (of now()'s clock).
  virtual void post_at(std::int64_t when_us, Task task) = 0;

  virtual std::int64_t now_us() const = 0;         // monotonic
  virtual std::int64_t wall_clock_us() const = 0;  // Unix time; may jump
  virtual std::uint64_t random() = 0;
};

// The coordinator's deadlines are time points of the steady clock, the core counts microseconds of the same clock.
inline std::int64_t to_us(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}
inline std::int64_t to_us(std::chrono::microseconds duration) {
  return duration.count();
}
inline std::chrono::steady_clock::time_point deadline_at(std::int64_t time_us) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(time_us));
}

}  // namespace quorate
