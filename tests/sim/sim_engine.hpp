// The memory engine, watched: the world learns what each node prepares, and decides what goes wrong.
#pragma once

#include <functional>
#include <memory>

#include "engines/memory/memory_engine.hpp"

namespace quorate::sim {

class SimEngine final : public MemoryEngine {
 public:
  // `before_prepare` sees every batch before it is prepared.
  SimEngine(std::shared_ptr<MemoryDisk> disk, std::function<void(const Batch&)> before_prepare)
      : MemoryEngine(std::move(disk)), before_prepare_(std::move(before_prepare)) {}

  Result<BatchOutcome> prepare(const Batch& batch, const PrepareLimits& limits) override {
    before_prepare_(batch);
    return MemoryEngine::prepare(batch, limits);
  }

 private:
  std::function<void(const Batch&)> before_prepare_;
};

}  // namespace quorate::sim
