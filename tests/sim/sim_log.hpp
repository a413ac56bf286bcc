// The simulated log disk: what write() has returned for is durable; a write can be made to crash the node, before or
// after it became durable, or to take long.
#pragma once

#include <functional>
#include <vector>

#include "core/consensus/log_store.hpp"

namespace quorate::sim {

// Outlives its node.
struct LogDisk {
  Instance instance = 0;
  HardState hard_state;
  Position base;
  Membership membership;       // as of base
  std::vector<Entry> entries;  // from base.index + 1 on

  enum class Fault { none, crash_before_write, crash_after_write };
  Fault next_write = Fault::none;
  std::function<void()> on_write = [] {};  // called for every write: takes simulated time

  Index last_index() const { return base.index + entries.size(); }
  const Entry& at(Index index) const { return entries.at(index - base.index - 1); }
  bool holds(Index index) const { return index > base.index && index <= last_index(); }
};

class SimLogStore final : public LogStore {
 public:
  explicit SimLogStore(LogDisk& disk) : disk_(disk) {}
  Result<StoredLog> load() override;
  Result<void> write(const LogWrite& change) override;
  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) override;
  Result<void> compact(Position base, const Membership& membership) override;
  Result<void> install(Position base, const Membership& membership) override;
  std::uint64_t bytes() override;

 private:
  LogDisk& disk_;
};

}  // namespace quorate::sim
