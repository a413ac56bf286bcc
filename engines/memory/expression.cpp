#include "engines/memory/expression.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace quorate {
namespace {

bool is_null(const Value& value) {
  return std::holds_alternative<Null>(value);
}

// Text and BLOBs count as the number that they begin with.
Value to_number(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return std::strtod(text->c_str(), nullptr);
  if (const auto* blob = std::get_if<Blob>(&value)) return std::strtod(blob->bytes.c_str(), nullptr);
  return value;
}

double to_double(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

std::string to_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.17g", std::get<double>(value));
  return buffer.data();
}

// Integers that overflow become doubles; what is not a number becomes NULL.
Value add(const Value& left, const Value& right, bool subtract) {
  const auto* left_integer = std::get_if<std::int64_t>(&left);
  const auto* right_integer = std::get_if<std::int64_t>(&right);
  if (left_integer != nullptr && right_integer != nullptr) {
    std::int64_t sum = 0;
    const bool overflow = subtract ? __builtin_sub_overflow(*left_integer, *right_integer, &sum)
                                   : __builtin_add_overflow(*left_integer, *right_integer, &sum);
    if (!overflow) return sum;
  }
  const double sum = subtract ? to_double(left) - to_double(right) : to_double(left) + to_double(right);
  return std::isnan(sum) ? Value() : Value(sum);
}

Value combine(Expression::Kind kind, const Value& left, const Value& right) {
  if (is_null(left) || is_null(right)) return Null{};
  if (kind == Expression::Kind::concatenate) return to_text(left) + to_text(right);
  return add(to_number(left), to_number(right), kind == Expression::Kind::subtract);
}

}  // namespace

Result<void> check_columns(const Expression& expression, const TableDefinition* table) {
  if (expression.kind == Expression::Kind::column &&
      (table == nullptr || !table->find_column(expression.column))) {
    return fail(ErrorCode::sql_error, "no such column: " + expression.column);
  }
  for (const Expression& operand : expression.operands) {
    if (auto checked = check_columns(operand, table); !checked) return checked;
  }
  return {};
}

Value evaluate(const Expression& expression, const Scope& scope, const TableDefinition* table,
               const Row* row) {
  constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
  switch (expression.kind) {
    case Expression::Kind::literal: return expression.literal;
    case Expression::Kind::placeholder: {
      const Value& value = *(*scope.parameters)[expression.placeholder];
      const auto* real = std::get_if<double>(&value);
      return real != nullptr && std::isnan(*real) ? Value() : value;
    }
    case Expression::Kind::column: return (*row)[*table->find_column(expression.column)];
    case Expression::Kind::random: return static_cast<std::int64_t>(scope.random->next());
    case Expression::Kind::unixepoch: return scope.clock_us / kMicrosecondsPerSecond;
    case Expression::Kind::add:
    case Expression::Kind::subtract:
    case Expression::Kind::concatenate: break;
  }
  const Value left = evaluate(expression.operands[0], scope, table, row);
  return combine(expression.kind, left, evaluate(expression.operands[1], scope, table, row));
}

bool holds(const Value& left, Condition::Operator comparison, const Value& right) {
  if (is_null(left) || is_null(right)) return false;
  const int order = compare_values(left, right);
  switch (comparison) {
    case Condition::Operator::equal: return order == 0;
    case Condition::Operator::not_equal: return order != 0;
    case Condition::Operator::less: return order < 0;
    case Condition::Operator::less_or_equal: return order <= 0;
    case Condition::Operator::greater: return order > 0;
    case Condition::Operator::greater_or_equal: return order >= 0;
  }
  return false;
}

}  // namespace quorate
