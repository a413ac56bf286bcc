// Exactly once (design §1.7): the outcome of a transaction with a key lies in the database beside what it wrote, and is
// what whoever sends it again is answered.
#include <algorithm>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {

// What is kept under the key, with the nodes that are known to have it now.
Result<std::optional<KeptOutcome>> DbNode::kept_under(const std::string& key) const {
  const auto bytes = options_.engine->find_outcome(key);
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::nullopt;
  auto kept = decode_kept_outcome(**bytes);
  if (!kept) return std::unexpected(kept.error());
  name_nodes(kept->receipt);
  return std::move(*kept);
}

// The receipt of what was decided before under that key; nothing if the transaction has to be run. On top of all that is
// decided: no later batch is in flight while this one is prepared.
Result<std::optional<WriteReceipt>> DbNode::outcome_under(const IdempotencyKey& key) {
  if (!keeps(Rule::look_up_keys)) return std::nullopt;
  auto kept = kept_under(key.key);
  if (!kept) return std::unexpected(std::move(kept.error()));
  if (!*kept) return std::nullopt;
  WriteReceipt& receipt = (*kept)->receipt;
  if ((*kept)->request != key.request) {
    return fail(ErrorCode::idempotency_key_reused,
                "The Idempotency-Key \"" + key.key +
                    "\" was used for another request, which was committed at index " +
                    std::to_string(receipt.index) + ".");
  }
  return std::move(receipt);
}

std::vector<KeyedOutcome> DbNode::outcomes_to_keep(const BatchRecord& record,
                                                   const std::vector<Result<TransactionResult>>& results,
                                                   Position at) const {
  if (!leads_ && !keeps(Rule::keep_outcomes_everywhere)) return {};
  std::vector<KeyedOutcome> outcomes;
  for (std::size_t i = 0; i < record.batch.size(); ++i) {
    const Transaction& transaction = record.batch[i].transaction;
    if (!transaction.key || !results[i]) continue;
    const KeptOutcome outcome{.request = transaction.key->request,
                              .receipt = {.transaction_id = transaction.id,
                                          .index = at.index,
                                          .term = at.term,
                                          .mode = record.mode,
                                          .result = *results[i]}};
    outcomes.push_back(
        {.key = transaction.key->key, .keep_us = transaction.key->keep_us, .bytes = encode(outcome)});
  }
  return outcomes;
}

// Linearizable: it sees what was decided before it was asked.
void DbNode::find_key(std::string key, std::int64_t deadline_us, Answer done) {
  driver_->read_index(
      [this, key = std::move(key), deadline_us, done = std::move(done)](ReadAnswer answer) mutable {
        if (!answer.confirmed) {
          return done(fail(ErrorCode::no_leader, "Node " + id() + " does not lead."));
        }
        when_applied(answer.index, deadline_us,
                     [this, key = std::move(key), done = std::move(done)](Result<void> reached) mutable {
                       if (!reached) return done(std::unexpected(reached.error()));
                       options_.writer.post([this, key = std::move(key), done = std::move(done)]() mutable {
                         done(state_of_key(key));
                       });
                     });
      });
}

Result<CallAnswer> DbNode::state_of_key(const std::string& key) {
  if (stopped_ || !is_running())
    return fail(ErrorCode::no_leader, "Node " + id() + " does not lead any more.");
  const auto has_key = [&key](const TimedTransaction& timed) {
    return timed.transaction.key && timed.transaction.key->key == key;
  };
  auto kept = kept_under(key);
  if (!kept) return std::unexpected(std::move(kept.error()));
  if (*kept) return KeyState{.state = KeyState::State::committed, .receipt = std::move((*kept)->receipt)};
  if (queue_.has_key(key) || (in_flight_ && std::ranges::any_of(in_flight_->record.batch, has_key))) {
    return KeyState{.state = KeyState::State::in_doubt};
  }
  if (const auto* refusal = refused_keys_.find(key); refusal != nullptr) {
    return KeyState{.state = KeyState::State::aborted, .refusal = refusal->error()};
  }
  return KeyState{};
}

}  // namespace quorate
