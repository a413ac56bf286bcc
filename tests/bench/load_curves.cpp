#include <algorithm>
#include <memory>
#include <vector>

#include "tests/bench/curves.hpp"
#include "tests/bench/run_target.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/targets.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

constexpr std::size_t kMostConnections = 1'024;
constexpr std::size_t kConnectionsOfLargeRows =
    16;  // so that a request does not wait for very many others' bytes
constexpr std::size_t kFewestBytes = 100;
constexpr std::size_t kMostBytes = 1'000'000;
constexpr double kShares[] = {0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1};

class TargetCurves {
 public:
  TargetCurves(const BenchOptions& options, Target& target, Curves& curves)
      : options_(options), target_(target), curves_(curves) {}

  // Returns the highest rate.
  double over_connections() {
    double highest = 0;
    for (std::size_t connections = 1; connections <= kMostConnections;
         connections *= options_.quick ? 32 : 2) {
      const RunResult run = insert({.connections = connections}, kSmallRowBytes);
      curves_.add("INSERT one row, over connections", "connections", target_.name(),
                  static_cast<double>(connections), run);
      highest = std::max(highest, run.per_second());
    }
    return highest;
  }

  void over_row_size() {
    for (std::size_t bytes = kFewestBytes; bytes <= kMostBytes; bytes *= options_.quick ? 100 : 10) {
      const RunResult run = insert({.connections = kConnectionsOfLargeRows}, bytes);
      curves_.add("INSERT one row, over its size", "bytes", target_.name(), static_cast<double>(bytes), run);
    }
  }

  // The rates are shares of the highest one: what matters is how latency grows on the way there, and behind it.
  void over_arrivals(double highest) {
    for (const double share : kShares) {
      const double rate = share * highest;
      if (rate < 1 || (options_.quick && share != 0.5)) continue;
      const RunResult run =
          insert({.connections = kMostConnections, .arrivals_per_second = rate}, kSmallRowBytes);
      curves_.add("INSERT one row, open loop", "arrivals per second", target_.name(), rate, run);
    }
  }

 private:
  RunResult insert(LoadOptions load, std::size_t row_bytes) {
    load.port = target_.port();
    load.warm_up = options_.warm_up;
    load.duration = options_.run_time;
    const std::unique_ptr<Workload> workload = target_.inserts(load.connections, row_bytes);
    return run_target(target_, load, *workload);
  }

  const BenchOptions& options_;
  Target& target_;
  Curves& curves_;
};

}  // namespace

void add_load_curves(const BenchOptions& options, Curves& curves) {
  for (const TargetKind& kind : all_targets(options.server)) {
    const ScratchFolder folder(options.folder);
    const std::unique_ptr<Target> target = kind.start(folder.path());
    TargetCurves one(options, *target, curves);
    const double highest = one.over_connections();
    one.over_arrivals(highest);
    one.over_row_size();
    target->stop();
  }
}

}  // namespace quorate::bench
