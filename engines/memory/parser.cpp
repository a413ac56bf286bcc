#include "engines/memory/parser.hpp"

#include <algorithm>
#include <array>

#include "engines/memory/expression_parser.hpp"
#include "engines/memory/token_cursor.hpp"

namespace quorate {
namespace {

class Parser {
 public:
  Parser(std::string_view sql, std::vector<Token> tokens) : sql_(sql), cursor_(std::move(tokens)) {}

  ParsedStatement run() {
    while (cursor_.take_symbol(";")) continue;
    if (cursor_.at_end()) reject("The SQL text holds no statement.");
    parse_one();
    while (cursor_.take_symbol(";")) continue;
    if (!cursor_.at_end()) {
      reject("The SQL text holds more than one statement; send each as a statement of its own.");
    }
    return std::move(parsed_);
  }

 private:
  void parse_one() {
    static constexpr std::array<std::string_view, 10> kForbidden{
        "ATTACH", "DETACH", "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "VACUUM", "PRAGMA"};
    const std::string verb = to_upper(cursor_.current().text);
    if (std::ranges::find(kForbidden, verb) != kForbidden.end()) {
      reject(verb + " is not allowed: the cluster controls transactions and files itself.",
             ErrorCode::forbidden_sql);
    }
    if (cursor_.take_word("CREATE")) return create_table();
    if (cursor_.take_word("DROP")) return drop_table();
    if (cursor_.take_word("INSERT")) return insert();
    if (cursor_.take_word("UPDATE")) return update();
    if (cursor_.take_word("DELETE")) return remove();
    if (cursor_.take_word("SELECT")) return select();
    cursor_.syntax_error();
  }

  void create_table() {
    CreateTable create;
    cursor_.expect_word("TABLE");
    if (cursor_.take_word("IF")) {
      cursor_.expect_word("NOT");
      cursor_.expect_word("EXISTS");
      create.if_not_exists = true;
    }
    create.definition.name = cursor_.expect_name();
    create.definition.sql = std::string(sql_);
    cursor_.expect_symbol("(");
    do {
      create.definition.columns.push_back(column_definition());
    } while (cursor_.take_symbol(","));
    cursor_.expect_symbol(")");
    parsed_.statement = std::move(create);
  }

  ColumnDefinition column_definition() {
    ColumnDefinition column;
    column.name = cursor_.expect_name();
    while (cursor_.current().kind == Token::Kind::word) {
      if (cursor_.take_word("PRIMARY")) {
        cursor_.expect_word("KEY");
        column.primary_key = true;
      } else if (cursor_.take_word("NOT")) {
        cursor_.expect_word("NULL");
        column.not_null = true;
      } else if (cursor_.take_word("UNIQUE")) {
        column.unique = true;
      } else {
        column.type += (column.type.empty() ? "" : " ") + to_upper(cursor_.expect_name());
      }
    }
    if (column.primary_key) column.unique = column.type != "INTEGER";
    return column;
  }

  void drop_table() {
    DropTable drop;
    cursor_.expect_word("TABLE");
    if (cursor_.take_word("IF")) {
      cursor_.expect_word("EXISTS");
      drop.if_exists = true;
    }
    drop.table = cursor_.expect_name();
    parsed_.statement = std::move(drop);
  }

  void insert() {
    Insert insertion;
    if (cursor_.take_word("OR")) {
      cursor_.expect_word("REPLACE");
      insertion.replace = true;
    }
    cursor_.expect_word("INTO");
    insertion.table = cursor_.expect_name();
    if (cursor_.take_symbol("(")) {
      do {
        insertion.columns.push_back(cursor_.expect_name());
      } while (cursor_.take_symbol(","));
      cursor_.expect_symbol(")");
    }
    cursor_.expect_word("VALUES");
    do {
      cursor_.expect_symbol("(");
      std::vector<Expression>& row = insertion.rows.emplace_back();
      do {
        row.push_back(expressions_.expression());
      } while (cursor_.take_symbol(","));
      cursor_.expect_symbol(")");
    } while (cursor_.take_symbol(","));
    parsed_.statement = std::move(insertion);
  }

  void update() {
    Update change;
    change.table = cursor_.expect_name();
    cursor_.expect_word("SET");
    do {
      std::string column = cursor_.expect_name();
      cursor_.expect_symbol("=");
      change.assignments.emplace_back(std::move(column), expressions_.expression());
    } while (cursor_.take_symbol(","));
    change.where = expressions_.conditions();
    parsed_.statement = std::move(change);
  }

  void remove() {
    Delete removal;
    cursor_.expect_word("FROM");
    removal.table = cursor_.expect_name();
    removal.where = expressions_.conditions();
    parsed_.statement = std::move(removal);
  }

  void select() {
    Select selection;
    do {
      selection.items.push_back(select_item());
    } while (cursor_.take_symbol(","));
    cursor_.expect_word("FROM");
    selection.table = cursor_.expect_name();
    selection.where = expressions_.conditions();
    if (cursor_.take_word("ORDER")) {
      cursor_.expect_word("BY");
      selection.order_by = cursor_.expect_name();
      selection.descending = cursor_.take_word("DESC");
      if (!selection.descending) cursor_.take_word("ASC");
    }
    if (cursor_.take_word("LIMIT")) selection.limit = expressions_.expression();
    parsed_.statement = std::move(selection);
  }

  Select::Item select_item() {
    using Kind = Select::Item::Kind;
    if (cursor_.take_symbol("*")) return {Kind::all, {}};
    std::string name = cursor_.expect_name();
    if (!cursor_.take_symbol("(")) return {Kind::column, std::move(name)};
    const std::string function = to_upper(name);
    Select::Item item;
    if (function == "COUNT") {
      cursor_.expect_symbol("*");
      item.kind = Kind::count;
    } else if (function == "SUM") {
      item = {Kind::sum, cursor_.expect_name()};
    } else {
      reject("no such function: " + name);
    }
    cursor_.expect_symbol(")");
    return item;
  }

  std::string_view sql_;
  TokenCursor cursor_;
  ParsedStatement parsed_;
  ExpressionParser expressions_{cursor_, parsed_.placeholders};
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
