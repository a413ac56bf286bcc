// What is measured: the requests, and what makes an answer the right one.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/http.hpp"
#include "tests/bench/load.hpp"

namespace quorate::bench {

inline constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, balance INTEGER NOT "
    "NULL, "
    "version INTEGER NOT NULL)";
inline constexpr const char* kInsertRow =
    "INSERT INTO account (id, owner, balance, version) VALUES (?, ?, 100, 1000000000000000)";

// Three numbers of 8 bytes, and a text for the rest.
inline constexpr std::size_t kNumbersBytes = 24;
inline constexpr std::size_t kSmallRowBytes = 36;

// The row's text (its owner): as long as it takes to make `row_bytes` with the numbers.
std::string row_text(std::size_t row_bytes);

// The rows that updates and queries use are made at the start; inserts go above them.
inline constexpr std::uint64_t kPreparedRows = 10'240;

// Rows that follow each other: `count` of them, after the first `skipped` of the table.
struct RowRange {
  std::uint64_t count = kPreparedRows;
  std::uint64_t skipped = 0;

  std::uint64_t random_id(std::minstd_rand& random) const {
    return kSmallestNumber + skipped + random() % count;
  }
};

// The statement, for SQLite, that inserts rows `first` to `end` - 1; row 0 has the id kSmallestNumber. `owner` is an expression
// of SQL. Precondition: `first` is less than `end`.
std::string insert_rows_sql(std::uint64_t first, std::uint64_t end,
                            std::string_view owner = "'Ada Lovelace'");

// Creates the table if it is not there. Throws when the server refuses.
void create_table(std::uint16_t port);

// Creates the table and its first rows. Throws likewise.
void prepare_table(std::uint16_t port);

// Adds rows of `row_bytes`, mostly of random letters, so that the ids from kSmallestNumber on reach `rows` rows when there
// are `present` now. Blocks. Throws likewise.
void add_rows(std::uint16_t port, std::uint64_t present, std::uint64_t rows, std::size_t row_bytes);

// Gives each insert of the whole run an id of its own.
class IdSource {
 public:
  explicit IdSource(std::uint64_t last = kSmallestNumber + kPreparedRows) : last_(last) {}
  std::uint64_t next() { return ++last_; }

 private:
  std::uint64_t last_;
};

// One row inserted per transaction. `mode` is "quorum" or "dual_write".
class InsertWorkload : public Workload {
 public:
  InsertWorkload(std::size_t connections, IdSource& ids, const std::string& mode,
                 std::size_t row_bytes = kSmallRowBytes);
  std::string_view next(std::size_t connection) override;
  bool accept(std::size_t connection, const Response& response) override;

 private:
  IdSource& ids_;
  std::vector<PreparedRequest> requests_;
};

// kBulkRows rows inserted per transaction, with one statement and a list of parameters for each row.
inline constexpr std::size_t kBulkRows = 100'000;
class BulkInsertWorkload : public Workload {
 public:
  BulkInsertWorkload(std::size_t connections, IdSource& ids);
  std::string_view next(std::size_t connection) override;
  bool accept(std::size_t connection, const Response& response) override;

 private:
  IdSource& ids_;
  std::vector<PreparedRequest> requests_;
};

// One row changed per transaction, by id and version. Each connection has rows of its own, so none conflicts, and
// knows their versions: a conflict or a lost update shows as an error.
class UpdateWorkload : public Workload {
 public:
  // Precondition: no other UpdateWorkload ever ran on this server's table.
  explicit UpdateWorkload(std::size_t connections);
  std::string_view next(std::size_t connection) override;
  bool accept(std::size_t connection, const Response& response) override;

 private:
  struct Connection {
    PreparedRequest request;
    std::size_t row = 0;  // the one that the request under way changes
  };
  std::vector<Connection> connections_;
  std::vector<std::uint64_t> versions_;
  std::size_t rows_each_;
};

// One of the rows changed per transaction, whatever its version.
class RandomUpdateWorkload : public Workload {
 public:
  RandomUpdateWorkload(std::size_t connections, RowRange rows);
  std::string_view next(std::size_t connection) override;
  bool accept(std::size_t connection, const Response& response) override;

 private:
  std::vector<PreparedRequest> requests_;
  RowRange rows_;
  std::minstd_rand random_{1};
};

// One of the rows read by its id.
class RowReads : public Workload {
 public:
  std::string_view next(std::size_t connection) override;
  // Whether the answer contains what is expected.
  bool accept(std::size_t connection, const Response& response) override;

 protected:
  RowReads(std::size_t connections, const PreparedRequest& request, RowRange rows = {});

  // What the answer to the connection's last request must tell.
  const std::string& expected(std::size_t connection) const { return expected_[connection]; }

 private:
  virtual std::string expected_of(std::uint64_t id) const = 0;
  // Writes the id where the request has places for it; as a number, unless a peer wants it otherwise.
  virtual void set_id(PreparedRequest& request, std::uint64_t id) const { request.set(0, id); }

  std::vector<PreparedRequest> requests_;
  std::vector<std::string> expected_;
  RowRange rows_;
  std::minstd_rand random_{1};
};

// `consistency` is "local", "leader" or "linearizable".
class PointQueryWorkload : public RowReads {
 public:
  PointQueryWorkload(std::size_t connections, const std::string& consistency, RowRange rows = {});

 private:
  std::string expected_of(std::uint64_t id) const override { return std::to_string(id); }
};

}  // namespace quorate::bench
