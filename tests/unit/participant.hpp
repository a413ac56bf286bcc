// One consensus participant on a log in memory, for tests that drive it by hand.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/consensus/raft.hpp"
#include "tests/unit/memory_log.hpp"

namespace quorate {

inline std::shared_ptr<const std::string> nothing() {
  return std::make_shared<const std::string>();
}

// Voters of these ids; the first is the preferred master, which campaigns at once.
inline MemoryLog log_with(const std::vector<NodeId>& voters, MemoryLog log = {}) {
  for (const NodeId& id : voters) log.membership.put({.id = id, .preferred = id == voters.front()});
  return log;
}

// One participant with its log, whose effects are carried out at once.
struct Participant {
  explicit Participant(RaftConfig config, MemoryLog given = {})
      : log(std::move(given)), raft(std::move(config), *log.load(), log, 0) {}

  std::vector<RaftMessage> step(Event event) {
    std::vector<RaftMessage> sent;
    carry_out(raft.step({&event, 1}), sent);
    return sent;
  }
  void carry_out(Effects effects, std::vector<RaftMessage>& sent) {
    std::ranges::move(effects.send_now, std::back_inserter(sent));
    const bool writes = !effects.log.empty();
    REQUIRE(log.write(effects.log));
    std::ranges::move(effects.send, std::back_inserter(sent));
    if (effects.committed != 0) committed = effects.committed;
    if (!writes) return;
    const Event persisted = Persisted{.hard_term = raft.term(), .last = raft.log().last()};
    carry_out(raft.step({&persisted, 1}), sent);
  }

  MemoryLog log;
  Raft raft;
  Index committed = 0;
};

}  // namespace quorate
