// The statements that the memory engine understands, parsed:
//   CREATE TABLE [IF NOT EXISTS] t (column [type] [PRIMARY KEY] [NOT NULL] [UNIQUE], ...)
//   DROP TABLE [IF EXISTS] t
//   INSERT [OR REPLACE] INTO t [(columns)] VALUES (expressions), ...
//   UPDATE t SET column = expression, ... [WHERE conditions]
//   DELETE FROM t [WHERE conditions]
//   SELECT columns | * | count(*) | sum(column) FROM t [WHERE conditions] [ORDER BY column [ASC | DESC]] [LIMIT n]
// Conditions are `column operator expression`, joined by AND. Expressions are literals, placeholders, columns,
// random(), unixepoch(), and these joined by + - and ||.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/value.hpp"
#include "engines/common/parameter_binding.hpp"
#include "engines/memory/content.hpp"

namespace quorate {

struct Expression {
  enum class Kind { literal, placeholder, column, random, unixepoch, add, subtract, concatenate };
  Kind kind = Kind::literal;
  Value literal = {};
  std::size_t placeholder = 0;
  std::string column = {};
  std::vector<Expression> operands = {};  // two, of add, subtract and concatenate
};

struct Condition {
  enum class Operator { equal, not_equal, less, less_or_equal, greater, greater_or_equal };
  std::string column;
  Operator comparison = Operator::equal;
  Expression right;
};
using Conditions = std::vector<Condition>;

struct CreateTable {
  TableDefinition definition;
  bool if_not_exists = false;
};

struct DropTable {
  std::string table;
  bool if_exists = false;
};

struct Insert {
  std::string table;
  bool replace = false;
  std::vector<std::string> columns;  // empty: all, in their order
  std::vector<std::vector<Expression>> rows;
};

struct Update {
  std::string table;
  std::vector<std::pair<std::string, Expression>> assignments;
  Conditions where;
};

struct Delete {
  std::string table;
  Conditions where;
};

struct Select {
  struct Item {
    enum class Kind { column, all, count, sum };
    Kind kind = Kind::column;
    std::string column;
  };
  std::vector<Item> items;
  std::string table;
  Conditions where;
  std::optional<std::string> order_by;
  bool descending = false;
  std::optional<Expression> limit;
};

struct ParsedStatement {
  std::variant<CreateTable, DropTable, Insert, Update, Delete, Select> statement;
  Placeholders placeholders;
};

}  // namespace quorate
