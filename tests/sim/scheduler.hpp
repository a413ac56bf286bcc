// Simulated time: one queue of events, run in order by one thread, so that a seed decides everything.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <vector>

#include "core/executor.hpp"

namespace quorate::sim {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // From low to high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int per_thousand) { return between(1, 1000) <= per_thousand; }

 private:
  std::uint64_t state_;
};

class SimExecutor;

class Scheduler {
 public:
  explicit Scheduler(std::uint64_t seed) : random(seed) {}

  // Runs the next event; false if there is none.
  bool step();
  std::int64_t now_us() const { return now_us_; }
  std::uint64_t events_run() const { return events_run_; }

  Random random;

 private:
  friend class SimExecutor;
  struct Work {
    std::shared_ptr<SimExecutor*> owner;  // points to null once the executor is gone
    Task task;
  };
  // Small, for the heap moves it about; the work lies in a slot.
  struct Event {
    std::int64_t when_us;
    std::uint64_t sequence;
    std::size_t slot;
    bool operator>(const Event& other) const {
      return when_us != other.when_us ? when_us > other.when_us : sequence > other.sequence;
    }
  };

  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::deque<Work> slots_;
  std::vector<std::size_t> free_slots_;
  std::int64_t now_us_ = 1'000'000;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_run_ = 0;
};

// One simulated thread. Its tasks vanish with it, as a process's do in a crash.
class SimExecutor final : public Executor {
 public:
  // `wall_offset_us` is read at every use: what is added to the true Unix time on this host.
  SimExecutor(Scheduler& scheduler, const std::int64_t& wall_offset_us)
      : scheduler_(scheduler), wall_offset_us_(wall_offset_us) {}
  ~SimExecutor() override { *self_ = nullptr; }

  void post(Task task) override;
  void post_at(std::int64_t when_us, Task task) override;
  std::int64_t now_us() const override { return scheduler_.now_us(); }
  std::int64_t wall_clock_us() const override {
    return 1'700'000'000'000'000 + scheduler_.now_us() + wall_offset_us_;
  }
  std::uint64_t random() override { return scheduler_.random.next(); }

  // Does nothing until then: a stopped process, a slow disk.
  void block_until(std::int64_t when_us) { blocked_until_us_ = std::max(blocked_until_us_, when_us); }

 private:
  friend class Scheduler;
  void schedule(std::int64_t when_us, Task task);

  Scheduler& scheduler_;
  const std::int64_t& wall_offset_us_;
  std::shared_ptr<SimExecutor*> self_ = std::make_shared<SimExecutor*>(this);
  std::int64_t last_post_us_ = 0;
  std::int64_t blocked_until_us_ = 0;
};

}  // namespace quorate::sim
