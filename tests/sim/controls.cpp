#include "tests/sim/controls.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>

#include "tests/sim/campaign.hpp"

namespace quorate::sim {
namespace {

constexpr std::size_t kRuns = 5;                        // odd: the median is one of them
constexpr std::uint64_t kSeedsBetweenRuns = 1'000'000;  // run r begins at seed r times this

// Rules whose breach costs messages or time, or needs a coincidence that random runs hardly meet: their controls drive the
// core by hand, in tests/unit/raft_test.cpp, raft_membership_test.cpp and snapshot_install_test.cpp.
constexpr std::array kControlledByHand{
    Rule::conflict_hint,
    Rule::vote_without_own_view,
    Rule::pre_vote_tells_true_term,
    Rule::stickiness_ends,
    Rule::bounded_appends,
    Rule::count_only_known_instances,
    Rule::change_needs_own_term,
    Rule::one_change_at_a_time,
    Rule::change_one_voter,
    Rule::ask_the_next_to_lead,
    Rule::promote_when_caught_up,
    Rule::change_rolls_back,
    Rule::keep_promises_on_install,
};

// One rule, broken. The runs advance together, seed by seed, until more than half of them have noticed: so the median is
// known, at the least cost. What comes out depends on the seeds alone, for a seed is begun only after all before it.
class Control {
 public:
  Control(Rule rule, std::uint64_t limit) : rule_(rule), limit_(limit) {}

  bool run() {
    on_all_cores([this] {
      while (const auto task = next()) {
        Summary summary;
        if (auto violation = violation_of(task->seed(), rule_, summary)) note(*task, std::move(*violation));
      }
    });
    std::ranges::sort(found_, {}, &Found::seeds);
    return is_settled();
  }
  std::uint64_t median_seeds() const { return found_[kRuns / 2].seeds; }
  // What the quickest run found.
  std::uint64_t example_seed() const { return found_[0].seed; }
  const std::string& example() const { return found_[0].violation; }

 private:
  struct Task {
    std::size_t run;
    std::uint64_t number;
    std::uint64_t seed() const { return run * kSeedsBetweenRuns + number; }
  };
  struct Found {
    std::uint64_t seeds = UINT64_MAX;  // that it took; UINT64_MAX: not found yet
    std::uint64_t seed = 0;
    std::string violation;
  };

  bool is_settled() const {
    return std::ranges::count(found_, UINT64_MAX, &Found::seeds) <= static_cast<std::ptrdiff_t>(kRuns / 2);
  }
  std::optional<Task> next() {
    const std::lock_guard lock(mutex_);
    while (!is_settled() && next_ < limit_ * kRuns) {
      const Task task{.run = next_ % kRuns, .number = next_ / kRuns};
      ++next_;
      if (found_[task.run].seeds == UINT64_MAX) return task;
    }
    return std::nullopt;
  }
  void note(const Task& task, std::string violation) {
    const std::lock_guard lock(mutex_);
    Found& found = found_[task.run];
    if (found.seeds < task.number + 1) return;
    found = {.seeds = task.number + 1, .seed = task.seed(), .violation = std::move(violation)};
  }

  const Rule rule_;
  const std::uint64_t limit_;
  std::mutex mutex_;  // guards the two below
  std::uint64_t next_ = 0;
  std::array<Found, kRuns> found_;  // by run
};

}  // namespace

int run_controls(std::uint64_t limit, const std::string& only) {
  int missed = 0;
  std::printf("%-32s %6s  %s\n", "broken rule", "seeds", "noticed, for example");
  for (const auto& [rule, name] : kRules) {
    const bool by_hand = std::ranges::find(kControlledByHand, rule) != kControlledByHand.end();
    if (only.empty() ? by_hand : only != name) continue;
    Control control(rule, limit);
    if (control.run()) {
      const std::string& what = control.example();
      std::printf("%-32.*s %6llu  seed %llu: %s\n", static_cast<int>(name.size()), name.data(),
                  static_cast<unsigned long long>(control.median_seeds()),
                  static_cast<unsigned long long>(control.example_seed()),
                  what.substr(0, what.find('\n')).c_str());
    } else {
      ++missed;
      std::printf("%-32.*s NOT NOTICED by most runs of %llu seeds\n", static_cast<int>(name.size()),
                  name.data(), static_cast<unsigned long long>(limit));
    }
    std::fflush(stdout);
  }
  return missed;
}

}  // namespace quorate::sim
