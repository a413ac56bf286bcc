#include "tests/contract/support.hpp"

#include <stdlib.h>

namespace quorate::testing {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "quorate-contract-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Statement statement(std::string sql, std::vector<Value> parameters) {
  Statement result;
  result.sql = std::move(sql);
  result.parameters.positional = std::move(parameters);
  return result;
}

Statement any_rows(std::string sql, std::vector<Value> parameters) {
  Statement result = statement(std::move(sql), std::move(parameters));
  result.allow_no_rows = true;
  return result;
}

TimedTransaction transaction(std::vector<Statement> statements, std::int64_t clock_us, std::uint64_t seed) {
  TimedTransaction timed;
  timed.transaction.statements = std::move(statements);
  timed.clock_us = clock_us;
  timed.seed = seed;
  return timed;
}

Batch batch(const std::vector<std::string>& sql) {
  Batch result;
  for (const std::string& one : sql) result.push_back(transaction({statement(one)}));
  return result;
}

Value integer(std::int64_t value) {
  return value;
}
Value text(std::string value) {
  return value;
}

ClusterMeta test_meta(const std::string& node) {
  ClusterMeta meta;
  meta.cluster_id = "c1";
  meta.node_id = node;
  meta.role = node == "n1" ? "master" : "backup";
  return meta;
}

TestEngine::TestEngine(std::string name, const std::string& node) : name_(std::move(name)) {
  reopen();
  expect_ok(engine_->write_meta(test_meta(node)));
}

void TestEngine::reopen() {
  engine_.reset();
  engine_ = expect_value(open_engine(name_, {.uri = file().string()}));
}

BatchOutcome TestEngine::apply(const Batch& batch) {
  PreparedBatch prepared = expect_value(prepare_batch(*engine_, batch, {}));
  for (const auto& done : prepared.outcome().transactions) {
    INFO("error: " << (done ? std::string() : done.error().message));
    REQUIRE(done.has_value());
  }
  BatchOutcome outcome = prepared.outcome();
  expect_ok(prepared.commit({next_index_++, 1}));
  return outcome;
}

Error TestEngine::failure(const TimedTransaction& transaction, const PrepareLimits& limits) {
  const PreparedBatch prepared = expect_value(prepare_batch(*engine_, {transaction}, limits));
  REQUIRE(prepared.outcome().transactions.size() == 1);
  REQUIRE_FALSE(prepared.outcome().transactions[0].has_value());
  CHECK(prepared.outcome().digest == digest());
  return prepared.outcome().transactions[0].error();
}

Result<QueryResult> TestEngine::query(const std::string& sql) {
  Query query;
  query.sql = sql;
  return expect_value(engine_->open_reader())->query(query);
}

std::vector<Row> TestEngine::rows(const std::string& sql, std::vector<Value> parameters) {
  Query query;
  query.sql = sql;
  query.parameters.positional = std::move(parameters);
  return expect_value(expect_value(engine_->open_reader())->query(query)).rows;
}

Value TestEngine::value(const std::string& sql) {
  const std::vector<Row> found = rows(sql);
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == 1);
  return found[0][0];
}

ContentDigest TestEngine::content() {
  return expect_value(expect_value(engine_->open_reader())->content_digest());
}

}  // namespace quorate::testing
