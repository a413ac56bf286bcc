// Splits SQL text into tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace quorate {

struct Token {
  enum class Kind { word, quoted_name, integer, real, text, blob, placeholder, symbol, end };
  Kind kind = Kind::end;
  std::string
      text;  // a name or literal without its quotes, a placeholder without its prefix, a symbol as it is
};

// The tokens without comments, closed by one of kind `end`. Errors: sql_error.
Result<std::vector<Token>> tokenize(std::string_view sql);

}  // namespace quorate
