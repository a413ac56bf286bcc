#include "tests/sim/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace quorate::sim {

bool Scheduler::step() {
  if (events_.empty()) return false;
  Event event = events_.top();
  events_.pop();
  now_us_ = std::max(now_us_, event.when_us);
  const SimExecutor* owner = *slots_[event.slot].owner;
  if (owner != nullptr && owner->blocked_until_us_ > now_us_) {
    event.when_us = owner->blocked_until_us_;
    events_.push(event);
    return true;
  }
  Work work = std::exchange(slots_[event.slot], {});
  free_slots_.push_back(event.slot);
  if (owner == nullptr) return true;
  ++events_run_;
  work.task();
  return true;
}

void SimExecutor::post(Task task) {
  // In order, after a scheduling delay that is mostly short.
  const std::int64_t delay_us =
      scheduler_.random.chance(5) ? scheduler_.random.between(0, 20'000) : scheduler_.random.between(0, 60);
  last_post_us_ = std::max(last_post_us_, scheduler_.now_us() + delay_us);
  schedule(last_post_us_, std::move(task));
}

void SimExecutor::post_at(std::int64_t when_us, Task task) {
  schedule(std::max(when_us, scheduler_.now_us()), std::move(task));
}

void SimExecutor::schedule(std::int64_t when_us, Task task) {
  std::size_t slot = scheduler_.slots_.size();
  if (scheduler_.free_slots_.empty()) {
    scheduler_.slots_.push_back({self_, std::move(task)});
  } else {
    slot = scheduler_.free_slots_.back();
    scheduler_.free_slots_.pop_back();
    scheduler_.slots_[slot] = {self_, std::move(task)};
  }
  scheduler_.events_.push({when_us, scheduler_.sequence_++, slot});
}

}  // namespace quorate::sim
