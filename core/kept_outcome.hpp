// The outcome of a transaction with a key, as the bytes that the engine keeps beside the data (KeyedOutcome). Its form is
// stored, so it is fixed.
#pragma once

#include <string>
#include <string_view>

#include "core/answers.hpp"

namespace quorate {

struct KeptOutcome {
  Digest request;        // IdempotencyKey::request
  WriteReceipt receipt;  // without the nodes, which change with time
};

std::string encode(const KeptOutcome& outcome);

// Errors: corrupt.
Result<KeptOutcome> decode_kept_outcome(std::string_view bytes);

}  // namespace quorate
