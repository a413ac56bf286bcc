#include "engines/memory/expression_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace quorate {
namespace {

constexpr int kMaxOperators = 1'000;  // in one expression: it is evaluated by recursion

}  // namespace

Conditions ExpressionParser::conditions() {
  Conditions parsed;
  if (!cursor_.take_word("WHERE")) return parsed;
  do {
    Condition& condition = parsed.emplace_back();
    condition.column = cursor_.expect_name();
    condition.comparison = comparison();
    condition.right = expression();
  } while (cursor_.take_word("AND"));
  return parsed;
}

Condition::Operator ExpressionParser::comparison() {
  using Operator = Condition::Operator;
  if (cursor_.take_symbol("=")) return Operator::equal;
  if (cursor_.take_symbol("<>") || cursor_.take_symbol("!=")) return Operator::not_equal;
  if (cursor_.take_symbol("<=")) return Operator::less_or_equal;
  if (cursor_.take_symbol(">=")) return Operator::greater_or_equal;
  if (cursor_.take_symbol("<")) return Operator::less;
  if (cursor_.take_symbol(">")) return Operator::greater;
  cursor_.syntax_error();
}

Expression ExpressionParser::expression() {
  Expression left = primary();
  for (int operators = 0;; ++operators) {
    if (operators == kMaxOperators) reject("The expression has too many operators.");
    Expression::Kind kind{};
    if (cursor_.take_symbol("+")) {
      kind = Expression::Kind::add;
    } else if (cursor_.take_symbol("-")) {
      kind = Expression::Kind::subtract;
    } else if (cursor_.take_symbol("||")) {
      kind = Expression::Kind::concatenate;
    } else {
      return left;
    }
    Expression joined{.kind = kind};
    joined.operands.push_back(std::move(left));
    joined.operands.push_back(primary());
    left = std::move(joined);
  }
}

Expression ExpressionParser::primary() {
  if (cursor_.take_symbol("-")) {
    if (cursor_.current().kind != Token::Kind::integer && cursor_.current().kind != Token::Kind::real)
      cursor_.syntax_error();
    return number("-");
  }
  const Token& token = cursor_.current();
  switch (token.kind) {
    case Token::Kind::integer:
    case Token::Kind::real: return number("");
    case Token::Kind::text: return {.literal = cursor_.take().text};
    case Token::Kind::blob: return blob();
    case Token::Kind::placeholder: return placeholder(cursor_.take().text);
    default: break;
  }
  if (token.kind == Token::Kind::word && cursor_.take_word("NULL")) return {};
  const std::string name = cursor_.expect_name();
  if (!cursor_.take_symbol("(")) return {.kind = Expression::Kind::column, .column = name};
  cursor_.expect_symbol(")");
  if (to_upper(name) == "RANDOM") return {.kind = Expression::Kind::random};
  if (to_upper(name) == "UNIXEPOCH") return {.kind = Expression::Kind::unixepoch};
  reject("no such function: " + name);
}

// A name that occurs twice is one parameter.
Expression ExpressionParser::placeholder(const std::string& name) {
  auto found = name.empty() ? placeholders_.end() : std::ranges::find(placeholders_, name);
  if (found == placeholders_.end()) found = placeholders_.insert(found, name);
  const auto index = static_cast<std::size_t>(found - placeholders_.begin());
  return {.kind = Expression::Kind::placeholder, .placeholder = index};
}

Expression ExpressionParser::number(const std::string& sign) {
  const std::string text = sign + cursor_.take().text;
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (error == std::errc{} && end == text.data() + text.size()) return {.literal = integer};
  return {.literal = std::strtod(text.c_str(), nullptr)};
}

Expression ExpressionParser::blob() {
  const std::string digits = cursor_.take().text;
  Blob value;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    const char* const start = digits.data() + i;
    const char* const end = start + std::min<std::size_t>(2, digits.size() - i);
    if (end - start != 2 || std::from_chars(start, end, byte, 16).ptr != end)
      reject("malformed blob literal");
    value.bytes += static_cast<char>(byte);
  }
  return {.literal = std::move(value)};
}

}  // namespace quorate
