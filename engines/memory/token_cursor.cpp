#include "engines/memory/token_cursor.hpp"

namespace quorate {

void reject(std::string message, ErrorCode code) {
  throw SyntaxError{Error{.code = code, .message = std::move(message)}};
}

std::string to_upper(std::string text) {
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return text;
}

bool TokenCursor::take_word(std::string_view upper_case_word) {
  if (current().kind != Token::Kind::word || to_upper(current().text) != upper_case_word) return false;
  ++position_;
  return true;
}

bool TokenCursor::take_symbol(std::string_view symbol) {
  if (current().kind != Token::Kind::symbol || current().text != symbol) return false;
  ++position_;
  return true;
}

void TokenCursor::expect_word(std::string_view upper_case_word) {
  if (!take_word(upper_case_word)) syntax_error();
}

void TokenCursor::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) syntax_error();
}

std::string TokenCursor::expect_name() {
  if (current().kind != Token::Kind::word && current().kind != Token::Kind::quoted_name) syntax_error();
  return take().text;
}

void TokenCursor::syntax_error() const {
  if (at_end()) reject("incomplete input");
  reject("near \"" + current().text + "\": syntax error");
}

}  // namespace quorate
