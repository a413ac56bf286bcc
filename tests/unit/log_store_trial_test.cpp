// The log on disk against a model in memory: random writes, compactions, installations and crashes.
#include <doctest/doctest.h>

#include <map>

#include "tests/unit/log_on_disk.hpp"

namespace quorate {
namespace {

// What the log must hold, kept in memory.
struct Model {
  HardState hard_state;
  Position base;
  Membership membership;
  std::vector<Entry> entries;  // after base

  Index last() const { return base.index + entries.size(); }
  void apply(const LogWrite& change) {
    if (change.hard_state) hard_state = *change.hard_state;
    if (change.truncate_from) entries.resize(*change.truncate_from - base.index - 1);
    entries.insert(entries.end(), change.append.begin(), change.append.end());
  }
};

class LogStoreTrial {
 public:
  explicit LogStoreTrial(unsigned seed)
      : random_(seed), log_(open(path_, kSmall)), instance_(log_->load()->instance) {}

  void step() {
    const auto action = below(12);
    if (action < 7) {
      const LogWrite change = some_change();
      REQUIRE(log_->write(change));
      model_.apply(change);
      compacted_ = false;
    } else if (action < 9 && !model_.entries.empty()) {
      compact();
    } else if (action == 9 && below(5) == 0) {
      install();
    } else if (action == 10 && !compacted_) {
      log_.reset();
      log_ = open(path_, kSmall);
    } else if (action == 11 && !compacted_) {
      crash_while_writing();
    }
    compare();
  }

 private:
  Index below(Index limit) { return static_cast<Index>(random_() % limit); }

  LogWrite some_change() {
    LogWrite change;
    Term term = model_.hard_state.term;
    if (below(8) == 0) change.hard_state = HardState{.term = ++term, .voted_for = below(2) == 0 ? "n2" : ""};
    Index last = model_.last();
    if (below(5) == 0 && !model_.entries.empty()) {
      change.truncate_from = model_.base.index + 1 + below(model_.entries.size());
      last = *change.truncate_from - 1;
    }
    for (Index count = below(4); count > 0; --count) {
      const std::size_t size = below(below(10) == 0 ? 5'000 : 200);
      Entry next = entry(++last, term + 1, std::string(size, static_cast<char>('a' + below(26))));
      if (below(10) == 0) {
        next.kind = EntryKind::membership;
        next.payload =
            std::make_shared<const std::string>(to_text(members({"n1", "n" + std::to_string(below(9))})));
      }
      change.append.push_back(next);
    }
    return change;
  }

  void compact() {
    const Index count = 1 + below(model_.entries.size());
    model_.base = model_.entries[count - 1].position();
    model_.membership = members({"n1", "n" + std::to_string(below(9))});
    model_.entries.erase(model_.entries.begin(), model_.entries.begin() + static_cast<std::ptrdiff_t>(count));
    REQUIRE(log_->compact(model_.base, model_.membership));
    compacted_ = true;
  }

  void install() {
    model_.base = {.index = model_.last() + below(50), .term = model_.hard_state.term + 2};
    model_.membership = members({"n3"});
    model_.entries.clear();
    model_.hard_state = {.term = model_.base.term, .voted_for = {}};
    REQUIRE(log_->install(model_.base, model_.membership));
    compacted_ = false;
  }

  // Only some sectors of the last write have reached the disk, in whatever order.
  void crash_while_writing() {
    const std::string without = content_of(*log_);
    std::map<fs::path, std::string> files;  // one may be removed after the write
    for (const fs::path& segment : segments_in(path_)) files[segment] = bytes_of(segment);
    const LogWrite change = some_change();
    REQUIRE(log_->write(change));
    const std::string with = content_of(*log_);
    log_.reset();
    const fs::path written = segments_in(path_).back();
    files[written] = torn(files[written], bytes_of(written), 0.75, random_);
    for (const auto& [file, bytes] : files) put_bytes(file, bytes);
    log_ = open(path_, kSmall);
    const std::string found = content_of(*log_);
    REQUIRE((found == without || found == with));
    if (found == with) model_.apply(change);
  }

  void compare() {
    const StoredLog stored = *log_->load();
    REQUIRE(stored.instance == instance_);
    REQUIRE(stored.hard_state == model_.hard_state);
    REQUIRE(stored.base == model_.base);
    REQUIRE(stored.membership == model_.membership);
    REQUIRE(stored.last_index == model_.last());
    std::vector<Position> starts;
    std::vector<std::pair<Index, Membership>> memberships;
    for (const Entry& each : model_.entries) {
      if (starts.empty() || starts.back().term != each.term) starts.push_back(each.position());
      if (each.kind == EntryKind::membership)
        memberships.emplace_back(each.index, *parse_membership(*each.payload));
    }
    REQUIRE(stored.term_starts == starts);
    REQUIRE(stored.memberships == memberships);
    if (model_.entries.empty()) return;
    const Index first = model_.base.index + 1 + below(model_.entries.size());
    const auto read = log_->read(first, stored.last_index, 2'000);
    REQUIRE(read);
    REQUIRE(read->front().index == first);
    for (const Entry& each : *read) {
      const Entry& wanted = model_.entries[each.index - model_.base.index - 1];
      REQUIRE((each.term == wanted.term && each.kind == wanted.kind && *each.payload == *wanted.payload));
    }
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path / "log";
  std::mt19937 random_;
  std::unique_ptr<FileLogStore> log_;
  Instance instance_;
  Model model_;
  bool compacted_ = false;  // and nothing written since: a crash may forget it
};

TEST_CASE(
    "whatever is written, truncated, compacted and installed, and wherever it crashes, reopening gives it "
    "back") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    LogStoreTrial trial(seed);
    for (int step = 0; step < 300; ++step) trial.step();
  }
}

}  // namespace
}  // namespace quorate
