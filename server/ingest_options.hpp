// The query parameters of POST /v1/ingest.
#pragma once

#include <chrono>
#include <optional>

#include "core/cluster_config.hpp"
#include "core/transaction.hpp"
#include "server/http_message.hpp"
#include "server/json_reader.hpp"

namespace quorate {

inline constexpr std::size_t kIngestRows = 10'000;

struct IngestOptions {
  Statement statement;  // without its rows
  std::optional<ConsistencyMode> mode = {};
  std::chrono::milliseconds timeout;                              // of each transaction
  std::optional<std::size_t> rows_per_transaction = kIngestRows;  // none: all in one
};

// Errors: malformed_request, limit_exceeded.
Result<IngestOptions> decode_ingest(const HttpRequest& request, const JsonLimits& json_limits,
                                    const CoreLimits& limits);

}  // namespace quorate
