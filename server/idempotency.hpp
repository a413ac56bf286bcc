// The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a write that bears one happens once, however often
// it is sent.
#pragma once

#include "core/cluster_config.hpp"
#include "core/transaction.hpp"
#include "server/http_message.hpp"

namespace quorate {

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// The request's key, or nothing. It is taken as it stands or, as the draft has it, in double quotes. Errors:
// malformed_request.
Result<std::optional<std::string>> idempotency_key_of(const HttpRequest& request);

// Gives the transaction, which is complete otherwise, that key.
void give_key(Transaction& transaction, std::string key, const CoreLimits& limits);

// Both. Errors: malformed_request.
Result<void> take_idempotency_key(const HttpRequest& request, const CoreLimits& limits,
                                  Transaction& transaction);

// malformed_request unless it is 1 to kMaxIdempotencyKeyBytes printable ASCII characters.
Result<void> check_idempotency_key(std::string_view key);

}  // namespace quorate
