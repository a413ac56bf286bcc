// The work of POST /v1/ingest: piece after piece of an upload becomes a transaction. While one is decided, the next piece is
// read, as far as it has arrived; there is never more than that in memory, and the order is kept.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/answers.hpp"
#include "server/http_message.hpp"
#include "server/ingest_options.hpp"
#include "server/ingest_reader.hpp"
#include "server/services.hpp"

namespace quorate {

// The longest Idempotency-Key of an ingestion: the keys of its transactions are that key, "#" and their number from 1.
inline constexpr std::size_t kMaxIngestKeyBytes = 234;

// Runs on the connection's strand. Services and request outlive it.
class Ingest {
 public:
  // The key may be empty: then there is none.
  Ingest(const Services& services, const HttpRequest& request, IngestOptions options, std::string key);

  // Has the next piece decided. Nothing: there is none. After an error it is only good for telling of it: what came before
  // that piece is committed, and stays.
  boost::asio::awaitable<Result<std::optional<WriteReceipt>>> step();

  std::uint64_t rows() const { return rows_; }  // committed
  std::uint64_t transactions() const { return transactions_; }
  // The members that only the problem of an ingestion has.
  std::string problem_members() const;

 private:
  bool look();
  boost::asio::awaitable<void> read();
  boost::asio::awaitable<Result<WriteReceipt>> decide(IngestPiece piece);
  Transaction transaction_of(ParameterRows rows) const;

  const Services& services_;
  const HttpRequest& request_;
  const IngestOptions options_;
  const std::string key_;
  IngestReader reader_;
  std::optional<IngestPiece> piece_;      // the next
  std::optional<IngestFailure> failure_;  // why there is none
  std::optional<std::uint64_t> failed_line_;
  std::uint64_t rows_ = 0;
  std::uint64_t transactions_ = 0;
};

}  // namespace quorate
