#include "server/ingest.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "server/handler_tools.hpp"
#include "server/idempotency.hpp"
#include "server/started_result.hpp"

namespace quorate {
namespace {

IngestReader::Limits limits_of(const Services& services, const IngestOptions& options) {
  IngestReader::Limits limits{.json = services.json_limits,
                              .rows = {.rows = services.limits.parameter_rows,
                                       .values_per_row = services.limits.parameters_per_statement}};
  if (options.rows_per_transaction) {
    limits.piece_rows = *options.rows_per_transaction;
    limits.piece_bytes = kIngestPieceBytes;
  } else {
    limits.upload_bytes = services.http_limits.body_bytes;
  }
  return limits;
}

}  // namespace

Ingest::Ingest(const Services& services, const HttpRequest& request, IngestOptions options, std::string key)
    : services_(services),
      request_(request),
      options_(std::move(options)),
      key_(std::move(key)),
      reader_(*request.upload, limits_of(services, options_)) {}

boost::asio::awaitable<Result<std::optional<WriteReceipt>>> Ingest::step() {
  while (!look()) co_await read();
  if (failure_) {
    failed_line_ = failure_->line;
    co_return std::unexpected(failure_->error);
  }
  if (!piece_) co_return std::nullopt;
  Result<WriteReceipt> receipt = co_await decide(std::move(*std::exchange(piece_, std::nullopt)));
  if (!receipt) co_return std::unexpected(std::move(receipt.error()));
  co_return std::move(*receipt);
}

// True when it is known what comes next: a piece, a failure or the end.
bool Ingest::look() {
  if (piece_ || failure_) return true;
  auto taken = reader_.take();
  if (taken) {
    piece_ = std::move(*taken);
  } else {
    failure_ = std::move(taken.error());
  }
  return piece_ || failure_ || reader_.is_over();
}

boost::asio::awaitable<void> Ingest::read() {
  auto read = co_await reader_.read();
  if (!read) failure_ = std::move(read.error());
}

boost::asio::awaitable<Result<WriteReceipt>> Ingest::decide(IngestPiece piece) {
  const std::size_t rows = piece.rows.count();
  Transaction transaction = transaction_of(std::move(piece.rows));
  auto start = [this, &transaction](MultiDbCoordinator::Callback<WriteReceipt> done) {
    services_.coordinator.write(std::move(transaction), deadline_after(options_.timeout), std::move(done),
                                request_.context);
  };
  StartedResult<WriteReceipt> write(co_await boost::asio::this_coro::executor, std::move(start));
  // A client that wants to hear of this transaction before it sends more must not be waited for.
  while (!look() && !write.is_done() && reader_.is_ready()) co_await read();
  Result<WriteReceipt> receipt = co_await write.wait();
  if (!receipt) {
    failed_line_ = piece.lines[std::min(receipt.error().params_index.value_or(0), rows - 1)];
    co_return std::unexpected(std::move(receipt.error()));
  }
  rows_ += rows;
  ++transactions_;
  co_return std::move(*receipt);
}

Transaction Ingest::transaction_of(ParameterRows rows) const {
  Transaction transaction{.statements = {options_.statement}, .mode = options_.mode};
  transaction.statements.front().rows = std::move(rows);
  if (key_.empty()) return transaction;
  const std::string number = options_.rows_per_transaction ? "#" + std::to_string(transactions_ + 1) : "";
  give_key(transaction, key_ + number, services_.limits);
  return transaction;
}

std::string Ingest::problem_members() const {
  std::string members = ",\"rows\":";
  append_json_integer(members, rows_);
  if (failed_line_) {
    members += ",\"line\":";
    append_json_integer(members, *failed_line_);
  }
  return members;
}

}  // namespace quorate
