#include "server/idempotency.hpp"

#include <algorithm>

#include "core/transaction_codec.hpp"

namespace quorate {

namespace {

// The same for the same statements and mode; how long the client waits does not count.
Digest digest_of_request(const Transaction& transaction) {
  Encoder out;
  put(out, transaction.statements);
  out.put(static_cast<std::uint8_t>(transaction.mode.has_value()));
  out.put(static_cast<std::uint8_t>(transaction.mode.value_or(ConsistencyMode::quorum)));
  return digest_of(out.take());
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

Result<void> check_idempotency_key(std::string_view key) {
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyBytes && std::ranges::all_of(key, is_printable))
    return {};
  return fail(ErrorCode::malformed_request, "An Idempotency-Key has 1 to " +
                                                std::to_string(kMaxIdempotencyKeyBytes) +
                                                " printable ASCII characters.");
}

Result<std::optional<std::string>> idempotency_key_of(const HttpRequest& request) {
  const std::size_t count = request.headers.count("Idempotency-Key");
  if (count == 0) return std::nullopt;
  if (count > 1) return fail(ErrorCode::malformed_request, "There is more than one header Idempotency-Key.");
  const std::string_view key = without_quotes(request.headers.find("Idempotency-Key"));
  if (auto valid = check_idempotency_key(key); !valid) return std::unexpected(valid.error());
  return std::string(key);
}

void give_key(Transaction& transaction, std::string key, const CoreLimits& limits) {
  transaction.key = {.key = std::move(key),
                     .request = digest_of_request(transaction),
                     .keep_us = std::chrono::microseconds(limits.key_retention).count()};
}

Result<void> take_idempotency_key(const HttpRequest& request, const CoreLimits& limits,
                                  Transaction& transaction) {
  Result<std::optional<std::string>> key = idempotency_key_of(request);
  if (!key) return std::unexpected(std::move(key.error()));
  if (*key) give_key(transaction, std::move(**key), limits);
  return {};
}

}  // namespace quorate
