#include "engines/memory/content.hpp"

#include <algorithm>
#include <limits>

namespace quorate {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

bool is_cluster_name(std::string_view name) {
  return to_lower(name).starts_with("_cluster_");
}

std::optional<std::size_t> TableDefinition::find_column(std::string_view column) const {
  const std::string wanted = to_lower(column);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (to_lower(columns[i].name) == wanted) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> TableDefinition::rowid_column() const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].primary_key && columns[i].type == "INTEGER") return i;
  }
  return std::nullopt;
}

std::unexpected<Error> TableWriter::not_unique(std::size_t column) const {
  const TableDefinition& definition = *table_.definition;
  return fail(ErrorCode::constraint_failed,
              "UNIQUE constraint failed: " + definition.name + "." + definition.columns[column].name);
}

Result<std::int64_t> TableWriter::choose_id(const Row& row) const {
  const std::optional<std::size_t> column = table_.definition->rowid_column();
  if (column && !std::holds_alternative<Null>(row[*column])) {
    if (const auto* id = std::get_if<std::int64_t>(&row[*column])) return *id;
    return fail(ErrorCode::sql_error, "datatype mismatch: an INTEGER PRIMARY KEY takes integers only");
  }
  const std::int64_t* last = table_.rows.last_key();
  if (last == nullptr) return 1;
  if (*last == std::numeric_limits<std::int64_t>::max()) {
    return fail(ErrorCode::constraint_failed,
                "The table " + table_.definition->name + " has no row id left.");
  }
  return *last + 1;
}

Result<void> TableWriter::check_not_null(const Row& row) const {
  const TableDefinition& definition = *table_.definition;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (definition.columns[i].not_null && std::holds_alternative<Null>(row[i])) {
      return fail(ErrorCode::constraint_failed,
                  "NOT NULL constraint failed: " + definition.name + "." + definition.columns[i].name);
    }
  }
  return {};
}

// Makes sure that nothing but row `self` stands in the way of `row` at `id`.
Result<void> TableWriter::make_room(const Row& row, std::int64_t id, std::optional<std::int64_t> self,
                                    bool replace) {
  if (id != self && table_.rows.find(id) != nullptr) {
    if (!replace) return not_unique(table_.definition->rowid_column().value_or(0));
    remove(id);
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!table_.definition->columns[i].unique || std::holds_alternative<Null>(row[i])) continue;
    const std::int64_t* found = table_.unique[i].find(row[i]);
    if (found == nullptr || *found == self) continue;
    if (!replace) return not_unique(i);
    remove(std::int64_t{*found});
  }
  return {};
}

Result<std::int64_t> TableWriter::insert(Row row, bool replace) {
  const Result<std::int64_t> id = choose_id(row);
  if (!id) return id;
  if (const auto column = table_.definition->rowid_column()) row[*column] = *id;
  if (auto checked = check_not_null(row); !checked) return std::unexpected(checked.error());
  if (auto room = make_room(row, *id, std::nullopt, replace); !room) return std::unexpected(room.error());
  put(*id, std::move(row));
  feed('+', *id);
  return *id;
}

Result<void> TableWriter::update(std::int64_t id, Row row) {
  std::int64_t new_id = id;
  if (const auto column = table_.definition->rowid_column()) {
    const auto* key = std::get_if<std::int64_t>(&row[*column]);
    if (key == nullptr) {
      return fail(ErrorCode::sql_error, "datatype mismatch: an INTEGER PRIMARY KEY takes integers only");
    }
    new_id = *key;
  }
  if (auto checked = check_not_null(row); !checked) return checked;
  if (auto room = make_room(row, new_id, id, false); !room) return room;
  feed('<', id);
  drop(id);
  put(new_id, std::move(row));
  feed('>', new_id);
  return {};
}

void TableWriter::remove(std::int64_t id) {
  feed('-', id);
  drop(id);
}

void TableWriter::put(std::int64_t id, Row row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (table_.definition->columns[i].unique && !std::holds_alternative<Null>(row[i])) {
      table_.unique[i].set(row[i], id);
    }
  }
  table_.rows.set(id, std::make_shared<const Row>(std::move(row)));
}

void TableWriter::drop(std::int64_t id) {
  const MemoryTable::SharedRow row = *table_.rows.find(id);
  for (std::size_t i = 0; i < row->size(); ++i) {
    if (table_.definition->columns[i].unique && !std::holds_alternative<Null>((*row)[i])) {
      table_.unique[i].erase((*row)[i]);
    }
  }
  table_.rows.erase(id);
}

void TableWriter::feed(char operation, std::int64_t id) {
  digest_.add_tag(operation);
  digest_.add_text(table_.definition->name);
  digest_.add_integer(id);
  digest_.add_row(**table_.rows.find(id));
}

void feed_schema(const MemoryContent& content, ChangeDigest& digest) {
  digest.add_tag('s');
  content.tables.for_each([&](const std::string& name, const MemoryTable& table) {
    digest.add_text(name);
    digest.add_text(table.definition->sql);
    return true;
  });
}

ContentDigest digest_content(const MemoryContent& content) {
  ContentDigest result;
  ChangeDigest digest;
  feed_schema(content, digest);
  result.schema = digest.finish();
  content.tables.for_each([&](const std::string&, const MemoryTable& table) {
    digest.reset();
    table.rows.for_each([&](std::int64_t id, const MemoryTable::SharedRow& row) {
      digest.add_integer(id);
      digest.add_row(*row);
      return true;
    });
    result.tables[table.definition->name] = {digest.finish(), table.rows.size()};
    return true;
  });
  if (content.outcomes.empty()) return result;
  digest.reset();
  content.outcomes.for_each([&](const std::string& key, const MemoryOutcome& outcome) {
    digest.add_text(key);
    digest.add_integer(outcome.expires_us);
    digest.add_blob(outcome.bytes);
    return true;
  });
  result.tables["_cluster_keys"] = {digest.finish(), content.outcomes.size()};
  return result;
}

}  // namespace quorate
