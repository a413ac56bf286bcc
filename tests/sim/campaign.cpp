#include "tests/sim/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

namespace quorate::sim {
namespace {

constexpr std::chrono::seconds kProgressInterval(30);

struct Failure {
  std::uint64_t seed;
  std::string what;
};

// As printf takes it.
unsigned long long number(std::uint64_t value) {
  return value;
}

class Campaign {
 public:
  Campaign(std::uint64_t first, std::uint64_t count, std::optional<Rule> broken)
      : first_(first), count_(count), broken_(broken), next_(first) {}

  int run() {
    std::jthread reporter([this](const std::stop_token& stop) { report_progress(stop); });
    on_all_cores([this] { work(); });
    reporter.request_stop();
    reporter.join();
    print_totals();
    std::ranges::sort(failures_, {}, &Failure::seed);
    for (const Failure& failure : failures_) {
      std::printf("FAILED seed %llu: %s\n  replay: ./dev sim --seed %llu\n", number(failure.seed),
                  failure.what.c_str(), number(failure.seed));
    }
    return failures_.empty() ? 0 : 1;
  }

 private:
  void work() {
    for (std::uint64_t seed = next_++; seed < first_ + count_; seed = next_++) {
      Summary summary;
      auto violation = violation_of(seed, broken_, summary);
      const std::lock_guard lock(mutex_);
      ++done_;
      if (violation) {
        std::fprintf(stderr, "seed %llu failed\n", number(seed));
        failures_.push_back({seed, std::move(*violation)});
      } else {
        add(summary);
      }
    }
  }

  void add(const Summary& one) {
    total_.events += one.events;
    total_.applied += one.applied;
    total_.not_applied += one.not_applied;
    total_.unknown += one.unknown;
    total_.reads += one.reads;
    total_.extensions += one.extensions;
    total_.leaders += one.leaders;
    total_.crashes += one.crashes;
    total_.quarantines += one.quarantines;
    total_.snapshots += one.snapshots;
    total_.changes += one.changes;
    total_.wipes += one.wipes;
    total_.restores += one.restores;
  }

  void report_progress(const std::stop_token& stop) {
    const auto began = std::chrono::steady_clock::now();
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex_);
    while (!stopped.wait_for(lock, stop, kProgressInterval, [&] { return stop.stop_requested(); })) {
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
      std::fprintf(stderr, "%llu of %llu seeds, %.1f a second, %zu failed\n", number(done_), number(count_),
                   static_cast<double>(done_) / elapsed.count(), failures_.size());
    }
  }

  void print_totals() const {
    std::printf("%llu seeds, %llu events\n", number(count_), number(total_.events));
    std::printf("  clients:  %llu writes applied, %llu not applied, %llu unknown; %llu reads\n",
                number(total_.applied), number(total_.not_applied), number(total_.unknown),
                number(total_.reads));
    std::printf("  batches:  %llu times extended\n", number(total_.extensions));
    std::printf("  nodes:    %llu leaders, %llu crashes, %llu quarantines\n", number(total_.leaders),
                number(total_.crashes), number(total_.quarantines));
    std::printf("  members:  %llu snapshots installed, %llu transfers and removals, %llu nodes wiped\n",
                number(total_.snapshots), number(total_.changes), number(total_.wipes));
  }

  const std::uint64_t first_;
  const std::uint64_t count_;
  const std::optional<Rule> broken_;
  std::atomic<std::uint64_t> next_;
  std::mutex mutex_;  // guards the three below
  std::uint64_t done_ = 0;
  Summary total_;
  std::vector<Failure> failures_;
};

}  // namespace

void on_all_cores(const std::function<void()>& work) {
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
}

std::optional<std::string> violation_of(std::uint64_t seed, std::optional<Rule> broken, Summary& summary) {
  try {
    World world(seed, broken, false);
    summary = world.run();
    return std::nullopt;
  } catch (const Violation& violation) {
    return violation.what();
  }
}

int run_seeds(std::uint64_t first, std::uint64_t count, std::optional<Rule> broken) {
  return Campaign(first, count, broken).run();
}

}  // namespace quorate::sim
