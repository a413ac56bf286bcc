// What is measured side by side: a cluster of Quorate's, a cluster of a peer's, or a floor.
//
// A target is started on an empty folder by a function `std::unique_ptr<Target> start_...(program, folder)`, which blocks
// until the cluster is formed, knows its leader, and has the table `account` with its prepared rows: kPreparedRows of
// them, with the ids from kSmallestNumber on (workloads.hpp). It throws when that cannot be reached. All traffic is on
// 127.0.0.1, all data below the folder. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"

namespace quorate::bench {

enum class ReadKind {
  local,        // of one node's own content, which may be behind
  linearizable  // sees everything acknowledged before it began
};

// A load that only this target has.
struct ExtraLoad {
  std::string name;
  std::size_t connections = 1;
  std::unique_ptr<Workload> workload;
};

// What a target calls its nodes, in the order in which they are started: n1, n2, ...
inline std::string node_id(std::size_t number) {
  return "n" + std::to_string(number + 1);
}

class Target {
 public:
  virtual ~Target() = default;  // ends all its processes

  virtual std::string name() const = 0;
  virtual std::string version() const = 0;

  // In words: what an acknowledged write survives.
  virtual std::string durability() const = 0;

  // The processes of its nodes, the leader's first; what they spawn is found by itself.
  virtual std::vector<pid_t> nodes() const = 0;

  // Where the load goes: to the leader, or to any node when that is what its users do.
  virtual std::uint16_t port() const = 0;

  // One row to a transaction, each with an id of its own and `row_bytes` in all (row_text() in workloads.hpp).
  virtual std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) = 0;

  // One prepared row by its id. Null when there is no such read.
  virtual std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) = 0;

  // What else is measured in the table; each once in the target's life.
  virtual std::vector<ExtraLoad> extras(std::size_t /*connections*/) { return {}; }

  // Ends its processes in the way of its users. Returns false when one did not end well.
  virtual bool stop() { return true; }
};

}  // namespace quorate::bench
