// POST /v1/transactions, GET /v1/transactions/{key}
#include "server/await_result.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/idempotency.hpp"
#include "server/request_target.hpp"
#include "server/services.hpp"
#include "server/transaction_json.hpp"

namespace quorate {

namespace {

constexpr std::size_t kReceiptBytes = 512;  // of a small transaction, with room to spare

Result<TransactionRequest> take_transaction(const Services& services, const HttpRequest& request,
                                            JsonValue body) {
  Result<TransactionRequest> decoded = decode_transaction(body, services.limits);
  if (!decoded) return decoded;
  const Result<void> mode = check_mode(services, decoded->transaction);
  if (!mode) return std::unexpected(mode.error());
  const Result<void> key = take_idempotency_key(request, services.limits, decoded->transaction);
  if (!key) return std::unexpected(key.error());
  return decoded;
}

}  // namespace

HandlerResult post_transaction(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {"integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  Result<JsonValue> body =
      co_await read_body(request.body, services.json_limits, transaction_rows(services.limits));
  if (!body) co_return std::unexpected(std::move(body.error()));
  Result<TransactionRequest> decoded = take_transaction(services, request, std::move(*body));
  if (!decoded) co_return std::unexpected(std::move(decoded.error()));

  auto start = [&services, &request, &decoded](MultiDbCoordinator::Callback<WriteReceipt> done) {
    services.coordinator.write(std::move(decoded->transaction), deadline_after(decoded->timeout),
                               std::move(done), request.context);
  };
  const Result<WriteReceipt> receipt = co_await await_result<WriteReceipt>(std::move(start));
  if (!receipt) co_return std::unexpected(receipt.error());

  HttpResponse response{.index = receipt->index};
  response.body.reserve(kReceiptBytes);
  append_receipt(response.body, *receipt, *integers);
  co_return response;
}

HandlerResult get_transaction(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {"integers"});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  const std::string key = percent_decoded(request.path_arguments.front());
  const Result<void> valid = check_idempotency_key(key);
  if (!valid) co_return std::unexpected(valid.error());

  const Deadline deadline = deadline_after(services.limits.default_timeout);
  auto start = [&services, &request, &key, deadline](MultiDbCoordinator::Callback<KeyState> done) {
    services.coordinator.find_key(key, deadline, std::move(done), request.context);
  };
  const Result<KeyState> state = co_await await_result<KeyState>(std::move(start));
  if (!state) co_return std::unexpected(state.error());
  if (state->state == KeyState::State::unknown) {
    co_return fail(ErrorCode::not_found, "No transaction is known under the Idempotency-Key \"" + key +
                                             "\": none was committed, or its outcome is not kept any more.");
  }
  HttpResponse response;
  append_key_state(response.body, key, *state, *integers);
  co_return response;
}

}  // namespace quorate
