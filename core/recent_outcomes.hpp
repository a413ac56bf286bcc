// What became of transactions that may be sent again: a forward whose answer was lost is retried under the same id, with
// the same leader or the next one, and must be decided once. Every node keeps the outcomes of what it has applied in this
// life; what it no longer knows, it says.
//
// Threads: used by the node's writer thread alone.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "core/answers.hpp"
#include "core/consensus/types.hpp"

namespace quorate {

class RecentOutcomes {
 public:
  static constexpr std::size_t kMaxBytes = 64UL * 1024 * 1024;
  static constexpr std::size_t kMaxOutcomes = 200'000;

  // What was applied after `begin` will be remembered.
  explicit RecentOutcomes(Index begin) : floor_(begin) {}

  // `index` is that of the entry applied, or for a refusal the applied index when it was refused.
  void remember(const std::string& id, Index index, Result<WriteReceipt> outcome);

  // The outcome, if it is remembered.
  const Result<WriteReceipt>* find(const std::string& id) const;

  // True if nothing that was applied after `since` has been forgotten: what is not found then did not happen.
  bool reaches_back_to(Index since) const { return floor_ <= since; }

 private:
  struct Known {
    Index index;
    std::size_t bytes;
    Result<WriteReceipt> outcome;
  };
  std::unordered_map<std::string, Known> outcomes_;
  std::deque<std::string> order_;
  std::size_t bytes_ = 0;
  Index floor_;
};

}  // namespace quorate
