#include "engines/memory/executor.hpp"

#include "engines/memory/selection.hpp"

namespace quorate {
namespace {

// Where a statement may write: a table of the content, copied back when the statement is done.
Result<MemoryTable> table_to_write(const MemoryContent& content, const std::string& name) {
  if (is_cluster_name(name)) {
    return fail(ErrorCode::forbidden_sql, "Tables named _cluster_... belong to the cluster.");
  }
  const MemoryTable* table = content.tables.find(to_lower(name));
  if (table == nullptr) return fail(ErrorCode::sql_error, "no such table: " + name);
  return *table;
}

void corrupt_once(Execution& execution, Row& row) {
  if (execution.corrupt && !row.empty()) {
    row.back() = std::string("corrupted");
    execution.corrupt = false;
  }
}

class Runner {
 public:
  Runner(MemoryContent& content, Execution& execution, ChangeDigest& digest, ResultBudget& budget)
      : content_(content), execution_(execution), digest_(digest), budget_(budget) {}

  Result<StatementResult> operator()(const CreateTable& create) {
    const std::string& name = create.definition.name;
    if (is_cluster_name(name)) {
      return fail(ErrorCode::forbidden_sql, "Tables named _cluster_... belong to the cluster.");
    }
    if (content_.tables.find(to_lower(name)) != nullptr) {
      if (create.if_not_exists) return StatementResult{};
      return fail(ErrorCode::sql_error, "table " + name + " already exists");
    }
    MemoryTable table;
    table.definition = std::make_shared<const TableDefinition>(create.definition);
    table.unique.resize(create.definition.columns.size());
    content_.tables.set(to_lower(name), std::move(table));
    execution_.schema_changed = true;
    return StatementResult{};
  }

  Result<StatementResult> operator()(const DropTable& drop) {
    const Result<MemoryTable> table = table_to_write(content_, drop.table);
    if (!table) {
      if (drop.if_exists && table.error().code == ErrorCode::sql_error) return StatementResult{};
      return std::unexpected(table.error());
    }
    content_.tables.erase(to_lower(drop.table));
    execution_.schema_changed = true;
    return StatementResult{};
  }

  Result<StatementResult> operator()(const Insert& insert) {
    Result<MemoryTable> table = table_to_write(content_, insert.table);
    if (!table) return std::unexpected(table.error());
    const Result<std::vector<std::size_t>> columns = target_columns(insert, *table->definition);
    if (!columns) return std::unexpected(columns.error());
    TableWriter writer(*table, digest_);
    StatementResult result;
    for (const std::vector<Expression>& values : insert.rows) {
      Row row(table->definition->columns.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        row[(*columns)[i]] = evaluate(values[i], execution_.scope, nullptr, nullptr);
      }
      corrupt_once(execution_, row);
      const Result<std::int64_t> id = writer.insert(std::move(row), insert.replace);
      if (!id) return std::unexpected(id.error());
      execution_.last_insert_id = *id;
      ++result.rows_affected;
    }
    content_.tables.set(to_lower(insert.table), std::move(*table));
    return result;
  }

  Result<StatementResult> operator()(const Update& update) {
    Result<MemoryTable> table = table_to_write(content_, update.table);
    if (!table) return std::unexpected(table.error());
    const TableDefinition& definition = *table->definition;
    for (const auto& [column, expression] : update.assignments) {
      if (!definition.find_column(column)) return fail(ErrorCode::sql_error, "no such column: " + column);
      if (auto checked = check_columns(expression, &definition); !checked)
        return std::unexpected(checked.error());
    }
    const auto ids = matching_rows(*table, update.where, execution_);
    if (!ids) return std::unexpected(ids.error());
    TableWriter writer(*table, digest_);
    for (const std::int64_t id : *ids) {
      const MemoryTable::SharedRow former = *table->rows.find(id);
      Row row = *former;
      for (const auto& [column, expression] : update.assignments) {
        row[*definition.find_column(column)] =
            evaluate(expression, execution_.scope, &definition, former.get());
      }
      corrupt_once(execution_, row);
      if (auto done = writer.update(id, std::move(row)); !done) return std::unexpected(done.error());
    }
    content_.tables.set(to_lower(update.table), std::move(*table));
    StatementResult result;
    result.rows_affected = static_cast<std::int64_t>(ids->size());
    return result;
  }

  Result<StatementResult> operator()(const Delete& removal) {
    Result<MemoryTable> table = table_to_write(content_, removal.table);
    if (!table) return std::unexpected(table.error());
    const auto ids = matching_rows(*table, removal.where, execution_);
    if (!ids) return std::unexpected(ids.error());
    TableWriter writer(*table, digest_);
    for (const std::int64_t id : *ids) writer.remove(id);
    content_.tables.set(to_lower(removal.table), std::move(*table));
    StatementResult result;
    result.rows_affected = static_cast<std::int64_t>(ids->size());
    return result;
  }

  Result<StatementResult> operator()(const Select& select) {
    if (is_cluster_name(select.table)) {
      return fail(ErrorCode::forbidden_sql,
                  "_cluster_ tables differ between nodes, so a transaction cannot read them; a query can.");
    }
    const Result<Selection> selection = select_rows(content_, select, execution_);
    if (!selection) return std::unexpected(selection.error());
    Result<QueryResult> selected = read_rows(*selection, budget_);
    if (!selected) return std::unexpected(selected.error());
    if (selected->truncated) {
      return fail(ErrorCode::result_too_large, "The transaction returns more rows than allowed.");
    }
    StatementResult result;
    result.columns = std::move(selected->columns);
    result.rows = std::move(selected->rows);
    return result;
  }

 private:
  static Result<std::vector<std::size_t>> target_columns(const Insert& insert,
                                                         const TableDefinition& definition) {
    std::vector<std::size_t> columns;
    for (const std::string& name : insert.columns) {
      const auto found = definition.find_column(name);
      if (!found)
        return fail(ErrorCode::sql_error, "table " + definition.name + " has no column named " + name);
      columns.push_back(*found);
    }
    if (insert.columns.empty()) {
      for (std::size_t i = 0; i < definition.columns.size(); ++i) columns.push_back(i);
    }
    for (const std::vector<Expression>& row : insert.rows) {
      if (row.size() != columns.size()) {
        return fail(ErrorCode::sql_error, std::to_string(row.size()) + " values for " +
                                              std::to_string(columns.size()) + " columns");
      }
      for (const Expression& value : row) {
        if (auto checked = check_columns(value, nullptr); !checked) return std::unexpected(checked.error());
      }
    }
    return columns;
  }

  MemoryContent& content_;
  Execution& execution_;
  ChangeDigest& digest_;
  ResultBudget& budget_;
};

}  // namespace

Result<StatementResult> run_statement(MemoryContent& content, const ParsedStatement& parsed,
                                      Execution& execution, ChangeDigest& digest, ResultBudget& budget) {
  Result<StatementResult> result = std::visit(Runner(content, execution, digest, budget), parsed.statement);
  if (result) result->last_insert_id = execution.last_insert_id;
  return result;
}

bool conflicts_without_rows(const ParsedStatement& parsed) {
  return std::holds_alternative<Update>(parsed.statement) || std::holds_alternative<Delete>(parsed.statement);
}

}  // namespace quorate
