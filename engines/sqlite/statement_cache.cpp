#include "engines/sqlite/statement_cache.hpp"

namespace quorate {

Result<ClientStatement*> StatementCache::get(Connection& connection, const std::string& sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    // What changes the schema is compiled anew each time: the authorizer then tells what it is about to do now.
    if (found->second->statement.kind() != StatementKind::other) return &found->second->statement;
    bytes_ -= sql.size();
    by_sql_.erase(found);
    entries_.pop_front();
  }
  Result<ClientStatement> compiled = ClientStatement::compile(connection, sql);
  if (!compiled) return std::unexpected(compiled.error());
  entries_.push_front({sql, std::move(*compiled)});
  by_sql_.emplace(entries_.front().sql, entries_.begin());
  bytes_ += sql.size();
  trim();
  return &entries_.front().statement;
}

// Keeps the first: it is about to be used.
void StatementCache::trim() {
  while (entries_.size() > 1 && (entries_.size() > kMaxStatements || bytes_ > kMaxBytes)) {
    bytes_ -= entries_.back().sql.size();
    by_sql_.erase(entries_.back().sql);
    entries_.pop_back();
  }
}

void StatementCache::clear() {
  by_sql_.clear();
  entries_.clear();
  bytes_ = 0;
}

}  // namespace quorate
