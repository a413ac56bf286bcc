// What a memory engine's content lives on: it outlives the engine as a disk outlives a process, and can lose what was
// not flushed as a disk does in a power cut. For tests and the simulator.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "engines/memory/content.hpp"

namespace quorate {

// Thread-safe, but for the test switches, which are set while no engine works on the disk.
class MemoryDisk {
 public:
  using Version = std::shared_ptr<const MemoryContent>;

  MemoryDisk();

  // The content as last committed.
  Version current() const;
  // Adds a committed version, not durable yet. Beyond kMaxUnflushed the oldest becomes durable by itself, as a real
  // disk writes back in the end.
  void commit(Version version);
  // Replaces everything, durably.
  void replace(Version version);
  // Makes the current version durable.
  void flush();

  // A power cut: the newest `lose` commits that are not durable are lost, or as many as there are. An engine that is
  // open on the disk must be destroyed, and opened anew, around it.
  void crash(std::uint64_t lose);
  std::uint64_t unflushed() const;

  // Test switches. The hook is asked before "prepare", "commit", "flush", "write_meta", "snapshot" and "restore"; an
  // error that it returns fails the operation.
  std::function<std::optional<Error>(std::string_view operation)> fault;
  // The engine stores a wrong value in the first row that the next batch inserts or updates, and clears the switch.
  bool corrupt_next_batch = false;

 private:
  static constexpr std::size_t kMaxUnflushed = 4096;

  mutable std::mutex mutex_;
  std::deque<Version> versions_;  // guarded by mutex_; the first is durable, the last is current; never empty
};

}  // namespace quorate
