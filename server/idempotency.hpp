// The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a write that bears one happens once, however often
// it is sent.
#pragma once

#include "core/cluster_config.hpp"
#include "core/transaction.hpp"
#include "server/http_message.hpp"

namespace quorate {

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// Gives the transaction, which is complete otherwise, the key of the request, if it has one. The key is taken as it stands
// or, as the draft has it, in double quotes. Errors: malformed_request.
Result<void> take_idempotency_key(const HttpRequest& request, const CoreLimits& limits,
                                  Transaction& transaction);

// malformed_request unless it is 1 to kMaxIdempotencyKeyBytes printable ASCII characters.
Result<void> check_idempotency_key(std::string_view key);

}  // namespace quorate
