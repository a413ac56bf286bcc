// What ConsensusDriver does, and in which order.
#include <doctest/doctest.h>

#include "core/consensus/driver.hpp"
#include "tests/unit/manual_executor.hpp"
#include "tests/unit/participant.hpp"

namespace quorate {
namespace {

// Log, network and listener of one follower, which note what they are asked to do.
class Surroundings final : public LogStore, public Transport, public ConsensusListener {
 public:
  explicit Surroundings(MemoryLog log) : log_(std::move(log)) {}
  std::vector<std::string> deeds;

  Result<StoredLog> load() override { return log_.load(); }
  Result<void> write(const LogWrite& change) override {
    for (const Entry& entry : change.append) deeds.push_back("write " + std::to_string(entry.index));
    return log_.write(change);
  }
  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) override {
    return log_.read(first, last, max_bytes);
  }
  Result<void> compact(Position, const Membership&) override { return {}; }
  Result<void> install(Position, const Membership&) override { return {}; }
  std::uint64_t bytes() override { return 0; }

  void send(Message) override { deeds.emplace_back("answer"); }
  bool is_reachable(const NodeId&) const override { return true; }

  void on_committed(Committed committed) override {
    for (const Entry& entry : committed.entries) deeds.push_back("deliver " + std::to_string(entry.index));
  }
  void on_leadership(Leadership) override {}
  void on_log_failure(Error) override {}
  void on_snapshot_wanted(NodeId, SnapshotOffer) override {}

 private:
  MemoryLog log_;
};

Entry entry(Index index) {
  return {.index = index, .term = 1, .payload = nothing()};
}

}  // namespace

TEST_CASE("what is decided is delivered before the next entries are waited for on the disk") {
  Surroundings around(log_with({"a", "b", "c"}));
  ManualExecutor executor;
  ConsensusDriver driver(
      {.raft = {.id = "b"}, .executor = executor, .transport = around, .log = around, .listener = around},
      around.load().value());
  driver.start();
  driver.receive("a", 0, AppendRequest{.term = 1, .entries = {entry(1)}});
  executor.run();
  CHECK(around.deeds == std::vector<std::string>{"write 1", "answer"});
  around.deeds.clear();
  // The leader says that both are decided, but the second is not on this disk yet.
  driver.receive(
      "a", 0,
      AppendRequest{.term = 1, .previous = {.index = 1, .term = 1}, .entries = {entry(2)}, .commit = 2});
  executor.run();
  CHECK(around.deeds == std::vector<std::string>{"deliver 1", "write 2", "answer", "deliver 2"});
}

}  // namespace quorate
