// Walks over a statement's tokens: what the parsers have in common.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "engines/memory/tokenizer.hpp"

namespace quorate {

// Thrown by the parsers and caught by parse_statement(): a parser is much clearer without a check after every step.
struct SyntaxError {
  Error error;
};

[[noreturn]] void reject(std::string message, ErrorCode code = ErrorCode::sql_error);

std::string to_upper(std::string text);

// take_...() moves on and returns true where the token is there; expect_...() throws SyntaxError where it is not.
class TokenCursor {
 public:
  explicit TokenCursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[position_]; }
  bool at_end() const { return current().kind == Token::Kind::end; }

  const Token& take() { return tokens_[position_++]; }  // not to be called at the end
  bool take_word(std::string_view upper_case_word);
  bool take_symbol(std::string_view symbol);

  void expect_word(std::string_view upper_case_word);
  void expect_symbol(std::string_view symbol);
  std::string expect_name();

  [[noreturn]] void syntax_error() const;

 private:
  std::vector<Token> tokens_;  // closed by one of kind `end`
  std::size_t position_ = 0;
};

}  // namespace quorate
