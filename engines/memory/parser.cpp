#include "engines/memory/parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "engines/memory/tokenizer.hpp"

namespace quorate {
namespace {

std::string to_upper(std::string text) {
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return text;
}

constexpr int kMaxOperators = 1'000;  // in one expression: it is evaluated by recursion

// Thrown and caught within this file only: a parser is much clearer without a check after every step.
struct SyntaxError {
  Error error;
};

[[noreturn]] void reject(std::string message, ErrorCode code = ErrorCode::sql_error) {
  throw SyntaxError{Error{.code = code, .message = std::move(message)}};
}

class Parser {
 public:
  Parser(std::string_view sql, std::vector<Token> tokens) : sql_(sql), tokens_(std::move(tokens)) {}

  ParsedStatement run() {
    while (take_symbol(";")) continue;
    if (current().kind == Token::Kind::end) reject("The SQL text holds no statement.");
    parse_one();
    while (take_symbol(";")) continue;
    if (current().kind != Token::Kind::end) {
      reject("The SQL text holds more than one statement; send each as a statement of its own.");
    }
    return std::move(parsed_);
  }

 private:
  const Token& current() const { return tokens_[position_]; }

  bool at_word(std::string_view word) const {
    return current().kind == Token::Kind::word && to_upper(current().text) == word;
  }
  bool take_word(std::string_view word) {
    if (!at_word(word)) return false;
    ++position_;
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (current().kind != Token::Kind::symbol || current().text != symbol) return false;
    ++position_;
    return true;
  }
  [[noreturn]] void syntax_error() const {
    if (current().kind == Token::Kind::end) reject("incomplete input");
    reject("near \"" + current().text + "\": syntax error");
  }
  void expect_word(std::string_view word) {
    if (!take_word(word)) syntax_error();
  }
  void expect_symbol(std::string_view symbol) {
    if (!take_symbol(symbol)) syntax_error();
  }
  std::string expect_name() {
    if (current().kind != Token::Kind::word && current().kind != Token::Kind::quoted_name) syntax_error();
    return tokens_[position_++].text;
  }

  void parse_one() {
    static constexpr std::array<std::string_view, 10> kForbidden{
        "ATTACH", "DETACH", "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "VACUUM", "PRAGMA"};
    const std::string verb = to_upper(current().text);
    if (std::ranges::find(kForbidden, verb) != kForbidden.end()) {
      reject(verb + " is not allowed: the cluster controls transactions and files itself.", ErrorCode::forbidden_sql);
    }
    if (take_word("CREATE")) return create_table();
    if (take_word("DROP")) return drop_table();
    if (take_word("INSERT")) return insert();
    if (take_word("UPDATE")) return update();
    if (take_word("DELETE")) return remove();
    if (take_word("SELECT")) return select();
    syntax_error();
  }

  void create_table() {
    CreateTable create;
    expect_word("TABLE");
    if (take_word("IF")) {
      expect_word("NOT");
      expect_word("EXISTS");
      create.if_not_exists = true;
    }
    create.definition.name = expect_name();
    create.definition.sql = std::string(sql_);
    expect_symbol("(");
    do {
      create.definition.columns.push_back(column_definition());
    } while (take_symbol(","));
    expect_symbol(")");
    parsed_.statement = std::move(create);
  }

  ColumnDefinition column_definition() {
    ColumnDefinition column;
    column.name = expect_name();
    while (current().kind == Token::Kind::word) {
      if (take_word("PRIMARY")) {
        expect_word("KEY");
        column.primary_key = true;
      } else if (take_word("NOT")) {
        expect_word("NULL");
        column.not_null = true;
      } else if (take_word("UNIQUE")) {
        column.unique = true;
      } else {
        column.type += (column.type.empty() ? "" : " ") + to_upper(expect_name());
      }
    }
    if (column.primary_key) column.unique = column.type != "INTEGER";
    return column;
  }

  void drop_table() {
    DropTable drop;
    expect_word("TABLE");
    if (take_word("IF")) {
      expect_word("EXISTS");
      drop.if_exists = true;
    }
    drop.table = expect_name();
    parsed_.statement = std::move(drop);
  }

  void insert() {
    Insert insertion;
    if (take_word("OR")) {
      expect_word("REPLACE");
      insertion.replace = true;
    }
    expect_word("INTO");
    insertion.table = expect_name();
    if (take_symbol("(")) {
      do {
        insertion.columns.push_back(expect_name());
      } while (take_symbol(","));
      expect_symbol(")");
    }
    expect_word("VALUES");
    do {
      expect_symbol("(");
      std::vector<Expression>& row = insertion.rows.emplace_back();
      do {
        row.push_back(expression());
      } while (take_symbol(","));
      expect_symbol(")");
    } while (take_symbol(","));
    parsed_.statement = std::move(insertion);
  }

  void update() {
    Update change;
    change.table = expect_name();
    expect_word("SET");
    do {
      std::string column = expect_name();
      expect_symbol("=");
      change.assignments.emplace_back(std::move(column), expression());
    } while (take_symbol(","));
    change.where = conditions();
    parsed_.statement = std::move(change);
  }

  void remove() {
    Delete removal;
    expect_word("FROM");
    removal.table = expect_name();
    removal.where = conditions();
    parsed_.statement = std::move(removal);
  }

  void select() {
    Select selection;
    do {
      selection.items.push_back(select_item());
    } while (take_symbol(","));
    expect_word("FROM");
    selection.table = expect_name();
    selection.where = conditions();
    if (take_word("ORDER")) {
      expect_word("BY");
      selection.order_by = expect_name();
      selection.descending = take_word("DESC");
      if (!selection.descending) take_word("ASC");
    }
    if (take_word("LIMIT")) selection.limit = expression();
    parsed_.statement = std::move(selection);
  }

  Select::Item select_item() {
    using Kind = Select::Item::Kind;
    if (take_symbol("*")) return {Kind::all, {}};
    std::string name = expect_name();
    if (!take_symbol("(")) return {Kind::column, std::move(name)};
    const std::string function = to_upper(name);
    Select::Item item;
    if (function == "COUNT") {
      expect_symbol("*");
      item.kind = Kind::count;
    } else if (function == "SUM") {
      item = {Kind::sum, expect_name()};
    } else {
      reject("no such function: " + name);
    }
    expect_symbol(")");
    return item;
  }

  Conditions conditions() {
    Conditions parsed;
    if (!take_word("WHERE")) return parsed;
    do {
      Condition& condition = parsed.emplace_back();
      condition.column = expect_name();
      condition.comparison = comparison();
      condition.right = expression();
    } while (take_word("AND"));
    return parsed;
  }

  Condition::Operator comparison() {
    using Operator = Condition::Operator;
    if (take_symbol("=")) return Operator::equal;
    if (take_symbol("<>") || take_symbol("!=")) return Operator::not_equal;
    if (take_symbol("<=")) return Operator::less_or_equal;
    if (take_symbol(">=")) return Operator::greater_or_equal;
    if (take_symbol("<")) return Operator::less;
    if (take_symbol(">")) return Operator::greater;
    syntax_error();
  }

  Expression expression() {
    Expression left = primary();
    for (int operators = 0;; ++operators) {
      if (operators == kMaxOperators) reject("The expression has too many operators.");
      Expression::Kind kind{};
      if (take_symbol("+")) {
        kind = Expression::Kind::add;
      } else if (take_symbol("-")) {
        kind = Expression::Kind::subtract;
      } else if (take_symbol("||")) {
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

  Expression primary() {
    if (take_symbol("-")) {
      if (current().kind != Token::Kind::integer && current().kind != Token::Kind::real) syntax_error();
      return number("-");
    }
    const Token& token = current();
    switch (token.kind) {
      case Token::Kind::integer:
      case Token::Kind::real:
        return number("");
      case Token::Kind::text:
        ++position_;
        return {.literal = token.text};
      case Token::Kind::blob:
        return blob();
      case Token::Kind::placeholder:
        ++position_;
        return placeholder(token.text);
      default:
        break;
    }
    if (token.kind == Token::Kind::word && take_word("NULL")) return {};
    const std::string name = expect_name();
    if (!take_symbol("(")) return {.kind = Expression::Kind::column, .column = name};
    expect_symbol(")");
    if (to_upper(name) == "RANDOM") return {.kind = Expression::Kind::random};
    if (to_upper(name) == "UNIXEPOCH") return {.kind = Expression::Kind::unixepoch};
    reject("no such function: " + name);
  }

  // A name that occurs twice is one parameter.
  Expression placeholder(const std::string& name) {
    Placeholders& placeholders = parsed_.placeholders;
    auto found = name.empty() ? placeholders.end() : std::ranges::find(placeholders, name);
    if (found == placeholders.end()) found = placeholders.insert(found, name);
    const auto index = static_cast<std::size_t>(found - placeholders.begin());
    return {.kind = Expression::Kind::placeholder, .placeholder = index};
  }

  Expression number(const std::string& sign) {
    const std::string text = sign + tokens_[position_++].text;
    std::int64_t integer = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (error == std::errc{} && end == text.data() + text.size()) return {.literal = integer};
    return {.literal = std::strtod(text.c_str(), nullptr)};
  }

  Expression blob() {
    const std::string digits = tokens_[position_++].text;
    Blob value;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      unsigned byte = 0;
      const char* const start = digits.data() + i;
      const char* const end = start + std::min<std::size_t>(2, digits.size() - i);
      if (end - start != 2 || std::from_chars(start, end, byte, 16).ptr != end) reject("malformed blob literal");
      value.bytes += static_cast<char>(byte);
    }
    return {.literal = std::move(value)};
  }

  std::string_view sql_;
  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  ParsedStatement parsed_;
};

}  // namespace

Result<ParsedStatement> parse_statement(std::string_view sql) {
  Result<std::vector<Token>> tokens = tokenize(sql);
  if (!tokens) return std::unexpected(tokens.error());
  try {
    return Parser(sql, std::move(*tokens)).run();
  } catch (const SyntaxError& failure) {
    return std::unexpected(failure.error);
  }
}

}  // namespace quorate
