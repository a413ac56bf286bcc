// Parses the memory engine's expressions and conditions (syntax.hpp).
#pragma once

#include "engines/memory/syntax.hpp"
#include "engines/memory/token_cursor.hpp"

namespace quorate {

class ExpressionParser {
 public:
  // Adds the placeholders that it meets; a name that occurs twice is one parameter.
  ExpressionParser(TokenCursor& cursor, Placeholders& placeholders)
      : cursor_(cursor), placeholders_(placeholders) {}

  // Both throw SyntaxError.
  Expression expression();
  Conditions conditions();  // empty where there is no WHERE

 private:
  Condition::Operator comparison();
  Expression primary();
  Expression placeholder(const std::string& name);
  Expression number(const std::string& sign);
  Expression blob();

  TokenCursor& cursor_;
  Placeholders& placeholders_;
};

}  // namespace quorate
