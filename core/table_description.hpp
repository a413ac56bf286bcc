// What a database's tables look like to clients, and how such a description travels as rows: a QueryResult goes from the
// node that reads to whoever asked, whatever process that is in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/query.hpp"

namespace quorate {

struct ColumnDescription {
  std::string name;
  std::string type;  // as declared; may be empty
  bool not_null = false;
  std::optional<std::string> default_sql = {};  // the text of its DEFAULT
  std::int64_t key_position = 0;                // in the primary key, from 1; 0: no part of it
  bool generated = false;                       // computed from other columns; cannot be written
  bool hidden = false;                          // left out by SELECT *
  bool operator==(const ColumnDescription&) const = default;
};

struct TableDescription {
  enum class Kind : std::uint8_t {
    table,
    view,
    virtual_table,  // its rows are kept by a module
  };

  std::string name;  // as it was created
  Kind kind = Kind::table;
  bool without_rowid = false;
  // The name under which a hidden integer tells the table's rows apart; empty where the primary key is that integer,
  // where there is none, and where columns have taken all its names.
  std::string row_id = {};
  std::vector<ColumnDescription> columns = {};  // in their order; none of a view that is broken
  bool operator==(const TableDescription&) const = default;

  // The column, by its exact name, or nothing.
  const ColumnDescription* find_column(std::string_view column) const;
  // The column "version", in whatever case, that optimistic locking counts in; nothing if there is none, or it is
  // generated or part of the primary key.
  const ColumnDescription* version_column() const;
  // The columns of the primary key in key order.
  std::vector<const ColumnDescription*> primary_key() const;
};

// What a reader sees of the schema at one position.
struct SchemaDescription {
  std::vector<TableDescription> tables;  // by name
  std::uint64_t index = 0;               // the applied index that was seen
};

// One row for each column. Error: result_too_large, past the query's max_bytes.
Result<QueryResult> to_rows(const SchemaDescription& schema, const Query& query);

// The inverse. Error: corrupt, for rows that to_rows() does not make.
Result<SchemaDescription> from_rows(const QueryResult& result);

}  // namespace quorate
