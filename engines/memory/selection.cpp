#include "engines/memory/selection.hpp"

#include <algorithm>
#include <chrono>

namespace quorate {
namespace {

constexpr std::size_t kRowsBetweenClockChecks = 1024;

// Whether the expression is the same for every row, so that it can be looked up.
bool is_fixed(const Expression& expression) {
  return expression.kind == Expression::Kind::literal || expression.kind == Expression::Kind::placeholder ||
         expression.kind == Expression::Kind::unixepoch;
}

// The only row that an equality on a unique column can leave.
struct Lookup {
  bool usable = false;  // there is such an equality
  bool found = false;
  std::int64_t id = 0;
};

Lookup look_up(const MemoryTable& table, const Conditions& conditions, const Scope& scope) {
  for (const Condition& condition : conditions) {
    if (condition.comparison != Condition::Operator::equal || !is_fixed(condition.right)) continue;
    const std::size_t column = *table.definition->find_column(condition.column);
    if (table.definition->columns[column].unique) {
      const std::int64_t* id = table.unique[column].find(evaluate(condition.right, scope, nullptr, nullptr));
      return {.usable = true, .found = id != nullptr, .id = id == nullptr ? 0 : *id};
    }
    if (table.definition->rowid_column() == column) {
      const Value key = evaluate(condition.right, scope, nullptr, nullptr);
      const auto* id = std::get_if<std::int64_t>(&key);
      if (id != nullptr) return {.usable = true, .found = table.rows.find(*id) != nullptr, .id = *id};
    }
  }
  return {};
}

Result<void> check_conditions(const Conditions& conditions, const TableDefinition& definition) {
  for (const Condition& condition : conditions) {
    if (!definition.find_column(condition.column)) {
      return fail(ErrorCode::sql_error, "no such column: " + condition.column);
    }
    if (auto checked = check_columns(condition.right, &definition); !checked) return checked;
  }
  return {};
}

bool all_hold(const Conditions& conditions, const Scope& scope, const TableDefinition& definition,
              const Row& row) {
  return std::ranges::all_of(conditions, [&](const Condition& condition) {
    return holds(row[*definition.find_column(condition.column)], condition.comparison,
                 evaluate(condition.right, scope, &definition, &row));
  });
}

}  // namespace

Result<std::vector<std::int64_t>> matching_rows(const MemoryTable& table, const Conditions& conditions,
                                                const Execution& execution) {
  const TableDefinition& definition = *table.definition;
  if (auto checked = check_conditions(conditions, definition); !checked)
    return std::unexpected(checked.error());
  std::vector<std::int64_t> ids;
  if (const Lookup lookup = look_up(table, conditions, execution.scope); lookup.usable) {
    if (lookup.found && all_hold(conditions, execution.scope, definition, **table.rows.find(lookup.id))) {
      ids.push_back(lookup.id);
    }
    return ids;
  }
  bool late = false;
  std::size_t visited = 0;
  table.rows.for_each([&](std::int64_t id, const MemoryTable::SharedRow& row) {
    if (all_hold(conditions, execution.scope, definition, *row)) ids.push_back(id);
    late = ++visited % kRowsBetweenClockChecks == 0 && execution.deadline != Deadline::max() &&
           std::chrono::steady_clock::now() > execution.deadline;
    return !late;
  });
  if (late) return fail(ErrorCode::statement_timeout, "The statement ran longer than its time limit.");
  return ids;
}

namespace {

bool is_aggregate(const Select::Item& item) {
  return item.kind == Select::Item::Kind::count || item.kind == Select::Item::Kind::sum;
}

// The columns that the items name, with `*` spelled out; `count(*)` has none.
Result<std::vector<std::optional<std::size_t>>> source_columns(const Select& select,
                                                               const TableDefinition& definition) {
  std::vector<std::optional<std::size_t>> columns;
  for (const Select::Item& item : select.items) {
    if (item.kind == Select::Item::Kind::all) {
      for (std::size_t i = 0; i < definition.columns.size(); ++i) columns.emplace_back(i);
    } else if (item.kind == Select::Item::Kind::count) {
      columns.emplace_back(std::nullopt);
    } else {
      const auto found = definition.find_column(item.column);
      if (!found) return fail(ErrorCode::sql_error, "no such column: " + item.column);
      columns.push_back(found);
    }
  }
  return columns;
}

Value sum_of(const MemoryTable& table, const std::vector<std::int64_t>& ids, std::size_t column) {
  Expression addition{.kind = Expression::Kind::add};
  addition.operands.resize(2);
  Value total;
  for (const std::int64_t id : ids) {
    const Value& value = (**table.rows.find(id))[column];
    if (std::holds_alternative<Null>(value)) continue;
    addition.operands[0].literal = std::holds_alternative<Null>(total) ? Value(std::int64_t{0}) : total;
    addition.operands[1].literal = value;
    total = evaluate(addition, {}, nullptr, nullptr);
  }
  return total;
}

Result<void> sort_rows(const Select& select, const MemoryTable& table, std::vector<std::int64_t>& ids) {
  if (!select.order_by) return {};
  const auto column = table.definition->find_column(*select.order_by);
  if (!column) return fail(ErrorCode::sql_error, "no such column: " + *select.order_by);
  std::ranges::sort(ids, [&](std::int64_t left, std::int64_t right) {
    const int order = compare_values((**table.rows.find(left))[*column], (**table.rows.find(right))[*column]);
    if (order == 0) return left < right;
    return select.descending ? order > 0 : order < 0;
  });
  return {};
}

Result<void> cut_rows(const Select& select, const Scope& scope, std::vector<std::int64_t>& ids) {
  if (!select.limit) return {};
  if (auto checked = check_columns(*select.limit, nullptr); !checked) return checked;
  const Value limit = evaluate(*select.limit, scope, nullptr, nullptr);
  const auto* count = std::get_if<std::int64_t>(&limit);
  if (count == nullptr) return fail(ErrorCode::sql_error, "datatype mismatch: LIMIT takes an integer");
  if (*count >= 0 && static_cast<std::size_t>(*count) < ids.size())
    ids.resize(static_cast<std::size_t>(*count));
  return {};
}

void name_columns(const Select& select, const TableDefinition& definition,
                  const std::vector<std::optional<std::size_t>>& columns, ResultHead& result) {
  for (const Select::Item& item : select.items) {
    if (item.kind == Select::Item::Kind::count) result.columns.emplace_back("count(*)");
    if (item.kind == Select::Item::Kind::sum) result.columns.push_back("sum(" + item.column + ")");
    if (item.kind == Select::Item::Kind::column) result.columns.push_back(item.column);
    if (item.kind != Select::Item::Kind::all) continue;
    for (const ColumnDefinition& column : definition.columns) result.columns.push_back(column.name);
  }
  const bool expressions = is_aggregate(select.items.front());
  for (const auto& column : columns) {
    result.types.push_back(expressions || !column ? std::string() : definition.columns[*column].type);
  }
}

}  // namespace

Result<Selection> select_rows(const MemoryContent& content, const Select& select,
                              const Execution& execution) {
  const MemoryTable* table = content.tables.find(to_lower(select.table));
  if (table == nullptr) return fail(ErrorCode::sql_error, "no such table: " + select.table);
  auto columns = source_columns(select, *table->definition);
  if (!columns) return std::unexpected(columns.error());
  auto ids = matching_rows(*table, select.where, execution);
  if (!ids) return std::unexpected(ids.error());
  Selection selection{.table = *table};
  name_columns(select, *table->definition, *columns, selection.head);
  if (content.meta) selection.head.index = content.meta->applied.index;
  if (std::ranges::any_of(select.items, is_aggregate)) {
    if (!std::ranges::all_of(select.items, is_aggregate)) {
      return fail(ErrorCode::sql_error, "Columns and aggregates cannot be selected together.");
    }
    Row& row = selection.aggregates.emplace();
    for (const auto& column : *columns) {
      row.push_back(column ? sum_of(*table, *ids, *column) : Value(static_cast<std::int64_t>(ids->size())));
    }
    return selection;
  }
  if (auto sorted = sort_rows(select, *table, *ids); !sorted) return std::unexpected(sorted.error());
  if (auto cut = cut_rows(select, execution.scope, *ids); !cut) return std::unexpected(cut.error());
  selection.ids = std::move(*ids);
  for (const auto& column : *columns) selection.columns.push_back(*column);
  return selection;
}

Row Selection::row(std::size_t position) const {
  if (aggregates) return *aggregates;
  const Row& source = **table.rows.find(ids[position]);
  Row row;
  for (const std::size_t column : columns) row.push_back(source[column]);
  return row;
}

Result<QueryResult> read_rows(const Selection& selection, ResultBudget& budget) {
  QueryResult result{.columns = selection.head.columns,
                     .types = selection.head.types,
                     .rows = {},
                     .index = selection.head.index};
  for (std::size_t i = 0; i < selection.size(); ++i) {
    result.truncated = !selection.aggregates && budget.rows_exhausted();
    if (result.truncated) break;
    result.rows.push_back(selection.row(i));
    if (auto added = budget.add(result.rows.back()); !added) return std::unexpected(added.error());
  }
  return result;
}

}  // namespace quorate
