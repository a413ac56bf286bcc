// What the contract tests share: engines under test in a directory of their own, and short ways to write batches.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/engine.hpp"
#include "engines/registry.hpp"

namespace quorate::testing {

// A directory that is removed in the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Statement statement(std::string sql, std::vector<Value> parameters = {});
Statement any_rows(std::string sql, std::vector<Value> parameters = {});  // with allow_no_rows

TimedTransaction transaction(std::vector<Statement> statements, std::int64_t clock_us = 1'000'000,
                             std::uint64_t seed = 1);
// One transaction of one statement each.
Batch batch(const std::vector<std::string>& sql);

Value integer(std::int64_t value);
Value text(std::string value);

// An engine under test, with a meta, and the index that its next commit gets.
class TestEngine {
 public:
  explicit TestEngine(std::string name, const std::string& node = "n1");

  StorageEngine& operator*() { return *engine_; }
  StorageEngine* operator->() { return engine_.get(); }

  // Prepares and commits; every transaction must succeed.
  BatchOutcome apply(const Batch& batch);
  BatchOutcome apply(const std::vector<std::string>& sql) { return apply(batch(sql)); }
  BatchOutcome apply(std::initializer_list<const char*> sql) {
    return apply(batch({sql.begin(), sql.end()}));
  }
  // Prepares one transaction, which must fail, and rolls back.
  Error failure(const TimedTransaction& transaction, const PrepareLimits& limits = {});
  Error failure(const std::string& sql) { return failure(transaction({statement(sql)})); }

  std::vector<Row> rows(const std::string& sql, std::vector<Value> parameters = {});
  Value value(const std::string& sql);
  Result<QueryResult> query(const std::string& sql);
  Digest digest() const { return engine_->get_version().second; }
  ContentDigest content();

  void reopen();
  const std::filesystem::path& directory() const { return directory_.path(); }
  std::filesystem::path file() const { return directory_.path() / "data.db"; }

 private:
  std::string name_;
  TemporaryDirectory directory_;
  std::unique_ptr<StorageEngine> engine_;
  std::uint64_t next_index_ = 1;
};

ClusterMeta test_meta(const std::string& node);

// Runs the test body once per registered engine.
template <typename Body>
void for_every_engine(Body&& body) {
  for (const std::string& name : engine_names()) {
    SUBCASE(name.c_str()) {
      body(name);
    }
  }
}

template <typename T>
T expect_value(Result<T> result) {
  INFO("error: " << (result ? std::string() : result.error().message));
  REQUIRE(result.has_value());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline void expect_ok(const Result<void>& result) {
  INFO("error: " << (result ? std::string() : result.error().message));
  REQUIRE(result.has_value());
}

}  // namespace quorate::testing

namespace doctest {
template <>
struct StringMaker<quorate::ErrorCode> {
  static String convert(quorate::ErrorCode code) { return std::string(quorate::to_string(code)).c_str(); }
};
}  // namespace doctest
