// Where a node keeps snapshots: the one that it lends to others, and the one that it receives. A received snapshot counts
// only once it is complete: all of its bytes there, verified by digest, on stable storage and renamed into place. What
// was received before a crash is kept, so that the transfer goes on where it stopped.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/engine.hpp"
#include "core/transport.hpp"

namespace quorate {

struct SnapshotInfo {
  std::string name;  // unique: two snapshots of one name are equal, byte by byte
  Position position;
  std::uint64_t total_bytes = 0;
  Digest digest;
  bool operator==(const SnapshotInfo&) const = default;
};

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  // --- lent to others; any one thread at a time; blocks ---
  // Makes a snapshot of the engine's present content and forgets the one before.
  virtual Result<SnapshotInfo> make(StorageEngine& engine) = 0;
  // Up to `max_bytes` of the snapshot made last.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t max_bytes) = 0;
  virtual void forget() = 0;

  // --- received; writer thread; blocks ---
  // The snapshot whose reception was begun, if any, and how many bytes of it are there.
  virtual std::optional<std::pair<SnapshotInfo, std::uint64_t>> incoming() = 0;
  // Begins to receive this one, dropping what was received of another.
  virtual Result<void> begin(const SnapshotInfo& info) = 0;
  // The next bytes, at the end of what is there.
  virtual Result<void> append(const std::string& bytes) = 0;
  // Of the bytes that are there.
  virtual Result<Digest> incoming_digest() = 0;
  virtual void drop_incoming() = 0;
  // All bytes are there and verified: makes it complete, durably.
  virtual Result<void> complete() = 0;

  // --- a file that is to replace the content, from the log (RestoreRecord); writer thread; blocks ---
  // Writes a piece, durably; the same one again changes nothing. One that leaves a gap is dropped.
  virtual Result<void> write_replacement(const RestoreRecord& piece) = 0;
  // Whether the file is there as a whole.
  virtual Result<bool> has_replacement(const RestoreEnd& end) = 0;
  // Makes it a complete snapshot, as StorageEngine::make_snapshot_of() says. It stays until that is removed, so that this
  // can be done again.
  virtual Result<void> complete_replacement(StorageEngine& engine, const ClusterMeta& meta,
                                            const std::vector<KeyedOutcome>& outcomes) = 0;

  // --- when the node is opened ---
  // The complete snapshot that is to be installed, if there is one.
  virtual std::optional<std::filesystem::path> completed() = 0;
  virtual Result<void> remove_completed() = 0;
};

}  // namespace quorate
