#include "engines/memory/statement_cache.hpp"

#include "engines/memory/parser.hpp"

namespace quorate {
namespace {

constexpr std::size_t kMaxStatements = 256;

}  // namespace

Result<std::shared_ptr<const ParsedStatement>> ParsedStatementCache::get(const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  Result<ParsedStatement> parsed = parse_statement(sql);
  if (!parsed) return std::unexpected(parsed.error());
  if (statements_.size() >= kMaxStatements) statements_.clear();
  auto shared = std::make_shared<const ParsedStatement>(std::move(*parsed));
  statements_.emplace(sql, shared);
  return shared;
}

}  // namespace quorate
