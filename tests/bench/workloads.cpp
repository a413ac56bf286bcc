#include "tests/bench/workloads.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <stdexcept>

namespace quorate::bench {
namespace {

constexpr const char* kTransactions = "/v1/transactions";
constexpr const char* kQuery = "/v1/query";

PreparedRequest transaction(std::string_view sql, std::string_view parameters, std::string_view mode) {
  const std::string body =
      fmt::format(R"({{"statements":[{{"sql":"{}","params":[{}]}}],"mode":"{}"}})", sql, parameters, mode);
  return {"POST", kTransactions, body};
}

void must_succeed(std::uint16_t port, const std::string& sql) {
  const OwnedResponse response = call(port, transaction(sql, "", "quorum"));
  if (response.status == 200) return;
  throw std::runtime_error(fmt::format("'{}' answers {}: {}", sql, response.status, response.body));
}

}  // namespace

std::string row_text(std::size_t row_bytes) {
  std::string text = "Ada Lovelace";
  text.resize(row_bytes > kNumbersBytes ? row_bytes - kNumbersBytes : 0, '.');
  return text;
}

std::string insert_rows_sql(std::uint64_t first, std::uint64_t end, std::string_view owner) {
  return fmt::format(
      "INSERT INTO account WITH RECURSIVE row(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM row WHERE n < {}) "
      "SELECT {} + n, {}, 100, {} FROM row",
      first, end - 1, kSmallestNumber, owner, kSmallestNumber);
}

void create_table(std::uint16_t port) {
  must_succeed(port, kCreateTable);
}

void prepare_table(std::uint16_t port) {
  create_table(port);
  must_succeed(port, insert_rows_sql(0, kPreparedRows));
}

void add_rows(std::uint16_t port, std::uint64_t present, std::uint64_t rows, std::size_t row_bytes) {
  constexpr std::uint64_t kRowsAtOnce = 8'192;
  const std::string owner = fmt::format("hex(randomblob({}))", (row_bytes - kNumbersBytes) / 2);
  while (present < rows) {
    const std::uint64_t next = std::min(rows, present + kRowsAtOnce);
    must_succeed(port, insert_rows_sql(present, next, owner));
    present = next;
  }
}

InsertWorkload::InsertWorkload(std::size_t connections, IdSource& ids, const std::string& mode,
                               std::size_t row_bytes)
    : ids_(ids),
      requests_(connections,
                transaction(kInsertRow, fmt::format(R"({},"{}")", kNumber, row_text(row_bytes)), mode)) {}

std::string_view InsertWorkload::next(std::size_t connection) {
  PreparedRequest& request = requests_[connection];
  request.set(0, ids_.next());
  return request.bytes();
}

bool InsertWorkload::accept(std::size_t /*connection*/, const Response& response) {
  return response.body.contains("\"rows_affected\":1");
}

BulkInsertWorkload::BulkInsertWorkload(std::size_t connections, IdSource& ids) : ids_(ids) {
  const std::string row = fmt::format(R"([{},"{}"])", kNumber, row_text(kSmallRowBytes));
  std::string rows = row;
  rows.reserve(kBulkRows * (row.size() + 1));
  for (std::size_t number = 1; number < kBulkRows; ++number) rows += "," + row;
  const std::string body =
      fmt::format(R"({{"statements":[{{"sql":"{}","params_batch":[{}]}}]}})", kInsertRow, rows);
  requests_.assign(connections, PreparedRequest("POST", kTransactions, body));
}

std::string_view BulkInsertWorkload::next(std::size_t connection) {
  PreparedRequest& request = requests_[connection];
  for (std::size_t row = 0; row < kBulkRows; ++row) request.set(row, ids_.next());
  return request.bytes();
}

bool BulkInsertWorkload::accept(std::size_t /*connection*/, const Response& response) {
  return response.body.contains(fmt::format("\"rows_affected\":{}", kBulkRows));
}

UpdateWorkload::UpdateWorkload(std::size_t connections)
    : connections_(connections,
                   {.request = transaction("UPDATE account SET balance = balance + 1, version = version + 1 "
                                           "WHERE id = ? AND version = ?",
                                           fmt::format("{},{}", kNumber, kNumber), "quorum")}),
      versions_(kPreparedRows, kSmallestNumber),
      rows_each_(kPreparedRows / connections) {
  for (std::size_t number = 0; number < connections; ++number) connections_[number].row = number * rows_each_;
}

std::string_view UpdateWorkload::next(std::size_t number) {
  Connection& connection = connections_[number];
  connection.row = number * rows_each_ + (connection.row + 1) % rows_each_;
  connection.request.set(0, kSmallestNumber + connection.row);
  connection.request.set(1, versions_[connection.row]);
  return connection.request.bytes();
}

bool UpdateWorkload::accept(std::size_t number, const Response& response) {
  ++versions_[connections_[number].row];
  return response.body.contains("\"rows_affected\":1");
}

RandomUpdateWorkload::RandomUpdateWorkload(std::size_t connections, RowRange rows)
    : requests_(connections, transaction("UPDATE account SET balance = balance + 1, version = version + 1 "
                                         "WHERE id = ?",
                                         kNumber, "quorum")),
      rows_(rows) {}

std::string_view RandomUpdateWorkload::next(std::size_t connection) {
  requests_[connection].set(0, rows_.random_id(random_));
  return requests_[connection].bytes();
}

bool RandomUpdateWorkload::accept(std::size_t /*connection*/, const Response& response) {
  return response.body.contains("\"rows_affected\":1");
}

RowReads::RowReads(std::size_t connections, const PreparedRequest& request, RowRange rows)
    : requests_(connections, request), expected_(connections), rows_(rows) {}

std::string_view RowReads::next(std::size_t connection) {
  const std::uint64_t id = rows_.random_id(random_);
  expected_[connection] = expected_of(id);
  set_id(requests_[connection], id);
  return requests_[connection].bytes();
}

bool RowReads::accept(std::size_t connection, const Response& response) {
  return response.body.contains(expected_[connection]);
}

PointQueryWorkload::PointQueryWorkload(std::size_t connections, const std::string& consistency, RowRange rows)
    : RowReads(connections,
               PreparedRequest(
                   "POST", kQuery,
                   fmt::format(R"({{"sql":"SELECT id, owner, balance, version FROM account WHERE id = ?",)"
                               R"("params":[{}],"consistency":"{}"}})",
                               kNumber, consistency)),
               rows) {}

}  // namespace quorate::bench
