// Simulated snapshot files, and an engine that keeps its snapshots there. What was received is not durable before it is
// complete: a crash may damage it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/snapshot_store.hpp"
#include "engines/memory/memory_engine.hpp"

namespace quorate::sim {

// Outlives its node.
struct SnapshotDisk {
  std::string lent;
  std::optional<SnapshotInfo> incoming_info;
  std::string incoming;
  std::optional<std::string> complete;
  std::string replacement;           // durable, piece by piece
  std::string replacement_snapshot;  // made of it
  std::function<bool()> misreads = [] {
    return false;
  };  // asked for every piece that is lent: gives a wrong byte if true

  // A power cut: what is being received may come back with a wrong bit in it, or with an end cut off.
  void crash(std::uint64_t chance);
};

class SimSnapshotStore final : public SnapshotStore {
 public:
  explicit SimSnapshotStore(SnapshotDisk& disk) : disk_(disk) {}
  Result<SnapshotInfo> make(StorageEngine& engine) override;
  Result<std::string> read(std::uint64_t offset, std::size_t max_bytes) override;
  void forget() override { disk_.lent.clear(); }
  std::optional<std::pair<SnapshotInfo, std::uint64_t>> incoming() override;
  Result<void> begin(const SnapshotInfo& info) override;
  Result<void> append(const std::string& bytes) override;
  Result<Digest> incoming_digest() override { return digest_of(disk_.incoming); }
  void drop_incoming() override;
  Result<void> complete() override;
  Result<void> write_replacement(const RestoreRecord& piece) override;
  Result<bool> has_replacement(const RestoreEnd& end) override;
  Result<void> complete_replacement(StorageEngine& engine, const ClusterMeta& meta,
                                    const std::vector<KeyedOutcome>& outcomes) override;
  std::optional<std::filesystem::path> completed() override;
  Result<void> remove_completed() override;

 private:
  SnapshotDisk& disk_;
};

// The memory engine, watched: the world learns what each node prepares, and decides what goes wrong.
class SimEngine final : public MemoryEngine {
 public:
  // `before_prepare` sees every batch before it is prepared, and `may_extend` what is to be added to one.
  SimEngine(std::shared_ptr<MemoryDisk> disk, SnapshotDisk& snapshots,
            std::function<void(const Batch&)> before_prepare, std::function<bool(const Batch&)> may_extend)
      : MemoryEngine(std::move(disk)),
        snapshots_(snapshots),
        before_prepare_(std::move(before_prepare)),
        may_extend_(std::move(may_extend)) {}

  Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits) override {
    before_prepare_(batch);
    return MemoryEngine::prepare(batch, limits);
  }

  Result<std::optional<BatchOutcome>> extend(const Batch& more, const PrepareLimits& limits) override {
    if (may_extend_(more)) return MemoryEngine::extend(more, limits);
    rollback();
    return std::nullopt;
  }

 protected:
  Result<void> save(const MemoryContent& content, const std::filesystem::path& target) override;
  Result<MemoryContent> load(const std::filesystem::path& source) override;

 private:
  std::string& file(const std::filesystem::path& name);

  SnapshotDisk& snapshots_;
  std::function<void(const Batch&)> before_prepare_;
  std::function<bool(const Batch&)> may_extend_;
};

}  // namespace quorate::sim
