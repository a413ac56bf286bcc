#include "core/recent_outcomes.hpp"

#include <algorithm>
#include <utility>

namespace quorate {
namespace {

std::size_t size_of(const Result<WriteReceipt>& outcome) {
  constexpr std::size_t kOverhead = 400;  // of containers and bookkeeping, about
  if (!outcome) return kOverhead + outcome.error().message.size();
  std::size_t bytes = kOverhead;
  for (const StatementResult& statement : outcome->result.statements) {
    bytes += sizeof(StatementResult);
    for (const std::string& column : statement.columns) bytes += sizeof(std::string) + column.size();
    for (const Row& row : statement.rows) {
      for (const Value& value : row) bytes += size_of(value);
    }
  }
  return bytes;
}

}  // namespace

void RecentOutcomes::remember(const std::string& id, Index index, Result<WriteReceipt> outcome) {
  const std::size_t bytes = size_of(outcome) + 2 * id.size();
  const auto [known, is_new] =
      outcomes_.try_emplace(id, Known{.index = index, .bytes = bytes, .outcome = std::move(outcome)});
  if (!is_new) return;
  order_.push_back(id);
  bytes_ += bytes;
  while (bytes_ > kMaxBytes || order_.size() > kMaxOutcomes) {
    const auto oldest = outcomes_.find(order_.front());
    floor_ = std::max(floor_, oldest->second.index);
    bytes_ -= oldest->second.bytes;
    outcomes_.erase(oldest);
    order_.pop_front();
  }
}

const Result<WriteReceipt>* RecentOutcomes::find(const std::string& id) const {
  const auto known = outcomes_.find(id);
  return known == outcomes_.end() ? nullptr : &known->second.outcome;
}

}  // namespace quorate
