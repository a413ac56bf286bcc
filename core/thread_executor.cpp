#include "core/thread_executor.hpp"

#include <pthread.h>

#include <memory>
#include <tuple>

namespace quorate {

ThreadExecutor::ThreadExecutor(const std::string& name, std::size_t threads)
    : random_(std::random_device{}()) {
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
    if (waiting_ == 0) return;  // whoever is busy looks again before it waits
  }
  wake_.notify_one();
}

void ThreadExecutor::post_at(std::int64_t when_us, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    timers_.push({when_us, timer_sequence_++, std::make_shared<Task>(std::move(task))});
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
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
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
    task();
    task = nullptr;
    lock.lock();
  }
}

bool ThreadExecutor::next(std::unique_lock<std::mutex>& lock, Task& task) {
  while (!stopped_) {
    if (!timers_.empty() && timers_.top().when_us <= now_us()) {
      task = std::move(*timers_.top().task);
      timers_.pop();
      return true;
    }
    if (!tasks_.empty()) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
      return true;
    }
    ++waiting_;
    if (timers_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, deadline_at(timers_.top().when_us));
    }
    --waiting_;
  }
  return false;
}

}  // namespace quorate
