// Compiled statements by their SQL text, the least recently used going first.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engines/sqlite/client_statement.hpp"

namespace quorate {

class StatementCache {
 public:
  static constexpr std::size_t kMaxStatements = 256;
  static constexpr std::size_t kMaxBytes = 4UL * 1024 * 1024;  // of SQL text

  // The statement, compiled if it was not; valid until the next get(). Errors: those of ClientStatement::compile().
  Result<ClientStatement*> get(Connection& connection, const std::string& sql);

  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string sql;
    ClientStatement statement;
  };

  void trim();

  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;
  std::size_t bytes_ = 0;
};

}  // namespace quorate
