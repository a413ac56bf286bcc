#include "core/thread_executor.hpp"

#include <pthread.h>

#include <memory>
#include <tuple>

namespace quorate {

namespace {

// Tasks of one loan: a thread that reads from peers is not kept from it for long.
constexpr int kMostOnLoan = 16;

thread_local ThreadLoan* loan_of_this_thread = nullptr;

}  // namespace

ThreadExecutor::ThreadExecutor(const std::string& name, std::size_t threads, Sharing sharing)
    : sharing_(sharing), random_(std::random_device{}()) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
}

ThreadExecutor::~ThreadExecutor() {
  stop();
}

void ThreadExecutor::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    tasks_.push_back(std::move(task));
    if (waiting_ == 0 || on_loan_) return;  // whoever is busy looks again before it waits
    if (sharing_ == Sharing::borrows && ThreadLoan::give_to(*this)) {
      on_loan_ = true;
      return;
    }
  }
  wake_.notify_one();
}

void ThreadExecutor::post_at(std::int64_t when_us, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    timers_.push({when_us, timer_sequence_++, std::make_shared<Task>(std::move(task))});
    if (on_loan_ || !has_earlier_timer()) return;
  }
  wake_.notify_one();
}

std::int64_t ThreadExecutor::now_us() const {
  return to_us(std::chrono::steady_clock::now());
}

std::int64_t ThreadExecutor::wall_clock_us() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::uint64_t ThreadExecutor::random() {
  const std::lock_guard lock(mutex_);
  return random_();
}

void ThreadExecutor::stop() {
  {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
    wake_.wait(lock, [this] { return !on_loan_; });
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  // Dropped tasks may own what posts again when it is destroyed: outside the lock.
  std::deque<Task> dropped;
  decltype(timers_) dropped_timers;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(tasks_);
    dropped_timers.swap(timers_);
  }
}

void ThreadExecutor::run() {
  std::unique_lock lock(mutex_);
  Task task;
  while (next(lock, task)) {
    lock.unlock();
    if (sharing_ == Sharing::lends) {
      const ThreadLoan loan(this);
      task();
    } else {
      task();
    }
    task = nullptr;
    lock.lock();
  }
}

void ThreadExecutor::run_on_loan(ThreadExecutor* lender) {
  std::unique_lock lock(mutex_);
  Task task;
  for (int i = 0; i < kMostOnLoan && !stopped_ && take(task); ++i) {
    lock.unlock();
    task();
    task = nullptr;
    const bool is_wanted_back = lender != nullptr && lender->has_tasks();
    lock.lock();
    if (is_wanted_back) break;
  }
  on_loan_ = false;
  // With the lock held, for whoever waits in stop() may destroy this object next.
  if (stopped_ || !tasks_.empty() || has_earlier_timer()) wake_.notify_all();
}

bool ThreadExecutor::take(Task& task) {
  if (!timers_.empty() && timers_.top().when_us <= now_us()) {
    task = std::move(*timers_.top().task);
    timers_.pop();
    return true;
  }
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop_front();
  return true;
}

bool ThreadExecutor::next(std::unique_lock<std::mutex>& lock, Task& task) {
  while (!stopped_) {
    if (!on_loan_ && take(task)) return true;
    ++waiting_;
    sleeps_until_us_ = on_loan_ || timers_.empty() ? kForever : timers_.top().when_us;
    if (sleeps_until_us_ == kForever) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, deadline_at(sleeps_until_us_));
    }
    --waiting_;
  }
  return false;
}

bool ThreadExecutor::has_tasks() {
  const std::lock_guard lock(mutex_);
  return !tasks_.empty();
}

// Earlier than what the thread that sleeps will wake up for; of several threads that is not known.
bool ThreadExecutor::has_earlier_timer() const {
  if (waiting_ == 0 || timers_.empty()) return false;
  return threads_.size() > 1 || timers_.top().when_us < sleeps_until_us_;
}

ThreadLoan::ThreadLoan(ThreadExecutor* lender) : lender_(lender) {
  loan_of_this_thread = this;
}

ThreadLoan::~ThreadLoan() {
  loan_of_this_thread = nullptr;
  if (borrower_ != nullptr) borrower_->run_on_loan(lender_);
}

bool ThreadLoan::give_to(ThreadExecutor& borrower) {
  ThreadLoan* loan = loan_of_this_thread;
  if (loan == nullptr || loan->borrower_ != nullptr) return false;
  loan->borrower_ = &borrower;
  return true;
}

}  // namespace quorate
