// Parsed statements by their SQL text, so that a statement that is run again is not parsed again.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/error.hpp"
#include "engines/memory/syntax.hpp"

namespace quorate {

class ParsedStatementCache {
 public:
  // Errors: those of parse_statement().
  Result<std::shared_ptr<const ParsedStatement>> get(const std::string& sql);

 private:
  std::unordered_map<std::string, std::shared_ptr<const ParsedStatement>> statements_;
};

}  // namespace quorate
