// A small engine in memory that shares no code with SQLite, for the tests and the simulator: the contract is proven
// against two independent engines. It speaks the subset of SQL in syntax.hpp.
#pragma once

#include <memory>
#include <optional>

#include "core/engine.hpp"
#include "engines/memory/memory_disk.hpp"
#include "engines/memory/statement_cache.hpp"
#include "engines/registry.hpp"

namespace quorate {

class MemoryEngine : public StorageEngine {
 public:
  // Opens what the disk holds. One engine at a time per disk.
  explicit MemoryEngine(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  Result<void> execute(const std::string& sql) override;
  Result<std::optional<ClusterMeta>> read_meta() override;
  Result<void> write_meta(const ClusterMeta& meta) override;
  Result<bool> is_empty() override;
  Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits) override;
  Result<std::optional<BatchOutcome>> extend(const Batch& more, const PrepareLimits& limits) override;
  Result<void> commit(Position position, const MetaChange& change) override;
  using StorageEngine::commit;
  Result<std::optional<std::string>> find_outcome(const std::string& key) override;
  void rollback() noexcept override { held_.reset(); }
  std::pair<Position, Digest> get_version() const override;
  Result<void> check_health() override { return {}; }
  Result<std::uint64_t> flush() override;
  Result<Position> snapshot(const std::filesystem::path& target) override;
  Result<void> restore(const std::filesystem::path& source) override;
  Result<Position> backup(const std::filesystem::path& target) override;
  Result<void> make_snapshot_of(const std::filesystem::path& file, const ClusterMeta& meta,
                                const std::vector<KeyedOutcome>& outcomes) override;
  Result<std::unique_ptr<Reader>> open_reader() override;
  Result<std::unique_ptr<Cursor>> open_cursor(Query query) override;

 protected:
  // Where snapshots are written to and read from: files, but not in the simulator.
  virtual Result<void> save(const MemoryContent& content, const std::filesystem::path& target);
  virtual Result<MemoryContent> load(const std::filesystem::path& source);

 private:
  Result<void> check_fault(std::string_view operation) const;
  // Runs the batch behind what is held, which is then held with it.
  BatchOutcome hold(const Batch& batch, const PrepareLimits& limits);
  Result<TransactionResult> run(MemoryContent& content, const TimedTransaction& timed,
                                const PrepareLimits& limits);

  std::shared_ptr<MemoryDisk> disk_;
  ParsedStatementCache statements_;
  ChangeDigest changes_;
  ChangeDigest batch_changes_;         // of all that is held
  bool has_changes_ = false;           // likewise
  std::optional<MemoryContent> held_;  // the prepared content, with clock and digest already in its meta
};

// The factory for the registry. Engines opened with the same uri in one process share one disk, which lives as long as
// the process.
Result<std::unique_ptr<StorageEngine>> open_memory_engine(const EngineOptions& options);

}  // namespace quorate
