// The body of POST /v1/transactions and its answer.
#pragma once

#include <chrono>
#include <string>

#include "core/cluster_config.hpp"
#include "core/coordinator.hpp"
#include "core/transaction.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"

namespace quorate {

struct TransactionRequest {
  Transaction transaction;
  std::chrono::milliseconds timeout;
};

// What to read in the body as rows.
JsonRowsMember transaction_rows(const CoreLimits& limits);

// Of a body that was read with them. Errors: malformed_request, limit_exceeded; those about one statement name its position.
Result<TransactionRequest> decode_transaction(JsonValue& body, const CoreLimits& limits);

void append_receipt(std::string& out, const WriteReceipt& receipt, IntegerStyle integers);

// What became of the transaction with this key; not for State::unknown.
void append_key_state(std::string& out, std::string_view key, const KeyState& state, IntegerStyle integers);

}  // namespace quorate
