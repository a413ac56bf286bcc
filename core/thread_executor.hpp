// The Executor of the real process: one or more threads that share one queue.
//
// To hand a task to a thread that sleeps costs some 30 us until it runs. So a thread that is about to have nothing to do
// may lend itself: while a ThreadLoan lives, the first idle executor that borrows threads and is posted to on this thread
// is not woken; the loan runs its tasks when it ends. They are still run one at a time and in order, and never inside
// post(), so that no lock of the poster is held.
#pragma once

#include <condition_variable>
#include <deque>
#include <limits>
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
  // Only with one thread. `borrows`: its tasks, which must be short, may run on a thread that lends itself. `lends`: its
  // thread does, after each task.
  enum class Sharing { none, borrows, lends };

  // `name` (at most 15 characters) is what tools such as top show for the threads.
  explicit ThreadExecutor(const std::string& name, std::size_t threads = 1, Sharing sharing = Sharing::none);
  ~ThreadExecutor() override;  // stop()s

  void post(Task task) override;
  void post_at(std::int64_t when_us, Task task) override;
  std::int64_t now_us() const override;
  std::int64_t wall_clock_us() const override;
  std::uint64_t random() override;

  // Finishes the task that runs now, drops those that wait, joins the threads. Not from a task of its own, nor with a loan
  // on the calling thread. Idempotent.
  void stop();

 private:
  friend class ThreadLoan;

  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

  struct Timer {
    std::int64_t when_us;
    std::uint64_t sequence;
    std::shared_ptr<Task> task;
    bool operator>(const Timer& other) const {
      return std::tie(when_us, sequence) > std::tie(other.when_us, other.sequence);
    }
  };

  void run();
  void run_on_loan(ThreadExecutor* lender);
  bool take(Task& task);                                      // false: none is due
  bool next(std::unique_lock<std::mutex>& lock, Task& task);  // false: stopped
  bool has_tasks();
  bool has_earlier_timer() const;

  const Sharing sharing_;
  std::mutex mutex_;  // guards all below but threads_
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::uint64_t timer_sequence_ = 0;
  std::size_t waiting_ = 0;
  std::int64_t sleeps_until_us_ = kForever;  // the one thread, while it waits
  bool on_loan_ = false;                     // another thread runs the tasks
  bool stopped_ = false;
  std::mt19937_64 random_;

  std::vector<std::thread> threads_;
};

// Lends the thread that makes it. Loans do not nest: what runs on a loan lends nothing.
class ThreadLoan {
 public:
  // `lender`, whose thread this is, gets it back as soon as it has a task itself.
  explicit ThreadLoan(ThreadExecutor* lender = nullptr);
  ~ThreadLoan();
  ThreadLoan(const ThreadLoan&) = delete;

 private:
  friend class ThreadExecutor;
  // True: `borrower` is run when this thread's loan ends. [this thread]
  static bool give_to(ThreadExecutor& borrower);

  ThreadExecutor* lender_;
  ThreadExecutor* borrower_ = nullptr;
};

}  // namespace quorate
