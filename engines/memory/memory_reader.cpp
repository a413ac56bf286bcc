#include "engines/memory/memory_reader.hpp"

#include <chrono>

namespace quorate {
namespace {

// _cluster_meta as clients read it: one row.
MemoryTable meta_table(const ClusterMeta& meta) {
  TableDefinition definition{.name = "_cluster_meta", .columns = {}, .sql = {}};
  Row row;
  const auto add = [&](const char* name, const char* type, Value value) {
    definition.columns.push_back({.name = name, .type = type});
    row.push_back(std::move(value));
  };
  add("cluster_id", "TEXT", meta.cluster_id);
  add("node_id", "TEXT", meta.node_id);
  add("role", "TEXT", meta.role);
  add("mode", "TEXT", std::string(to_string(meta.mode)));
  add("applied_index", "INTEGER", static_cast<std::int64_t>(meta.applied.index));
  add("applied_term", "INTEGER", static_cast<std::int64_t>(meta.applied.term));
  add("digest", "TEXT", to_string(meta.digest));
  add("clock_us", "INTEGER", meta.clock_us);
  add("membership", "TEXT", to_text(meta.membership));
  MemoryTable table;
  table.definition = std::make_shared<const TableDefinition>(std::move(definition));
  table.unique.resize(row.size());
  table.rows.set(1, std::make_shared<const Row>(std::move(row)));
  return table;
}

TableDescription description_of(const TableDefinition& definition) {
  TableDescription table{.name = definition.name};
  for (const ColumnDefinition& column : definition.columns) {
    table.columns.push_back({.name = column.name,
                             .type = column.type,
                             .not_null = column.not_null,
                             .key_position = column.primary_key ? 1 : 0});
  }
  return table;
}

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

Result<Selection> select_as_reader(const MemoryContent& content, const ParsedStatement& parsed,
                                   const Query& query) {
  const auto* select = std::get_if<Select>(&parsed.statement);
  if (select == nullptr)
    return fail(ErrorCode::forbidden_sql, "A query only reads; send writes as a transaction.");
  const auto parameters = match_parameters(parsed.placeholders, query.parameters);
  if (!parameters) return std::unexpected(parameters.error());
  MemoryContent seen = content;
  if (seen.meta && to_lower(select->table) == "_cluster_meta") {
    seen.tables.set("_cluster_meta", meta_table(*seen.meta));
  }
  TransactionRandom random(static_cast<std::uint64_t>(now_us()));
  Execution execution;
  execution.scope = {.parameters = &*parameters, .clock_us = now_us(), .random = &random};
  execution.deadline = query.deadline;
  return select_rows(seen, *select, execution);
}

Result<QueryResult> MemoryReader::query(const Query& query) {
  const auto parsed = statements_.get(query.sql);
  if (!parsed) return std::unexpected(parsed.error());
  const auto selection = select_as_reader(*view(), **parsed, query);
  if (!selection) return std::unexpected(selection.error());
  ResultBudget budget(query.max_rows, query.max_bytes);
  return read_rows(*selection, budget);
}

// It knows no defaults, no generated columns, and no name for its row ids.
Result<SchemaDescription> MemoryReader::describe_tables(const std::string& table, Deadline) {
  const MemoryDisk::Version version = view();
  SchemaDescription schema;
  if (version->meta) schema.index = version->meta->applied.index;
  if (!table.empty()) {
    const MemoryTable* found = version->tables.find(to_lower(table));
    if (found != nullptr) schema.tables.push_back(description_of(*found->definition));
    return schema;
  }
  version->tables.for_each([&](const std::string&, const MemoryTable& each) {
    schema.tables.push_back(description_of(*each.definition));
    return true;
  });
  return schema;
}

Result<Position> MemoryReader::pin() {
  pinned_ = disk_->current();
  return pinned_->meta ? pinned_->meta->applied : Position{};
}

Result<ContentDigest> MemoryReader::content_digest() {
  return digest_content(*view());
}

}  // namespace quorate
