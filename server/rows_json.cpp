#include "server/rows_json.hpp"

#include <algorithm>

namespace quorate {

void append_row_as_array(std::string& out, const Row& row, IntegerStyle integers) {
  out += '[';
  bool first = true;
  for (const Value& value : row) {
    if (!first) out += ',';
    first = false;
    append_json_value(out, value, integers);
  }
  out += ']';
}

void append_rows_as_arrays(std::string& out, const std::vector<Row>& rows, std::size_t begin, std::size_t end,
                           IntegerStyle integers) {
  for (std::size_t i = begin; i < end; ++i) {
    if (i != 0) out += ',';
    append_row_as_array(out, rows[i], integers);
  }
}

ObjectRowWriter::ObjectRowWriter(const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    std::string prefix(1, prefixes_.empty() ? '{' : ',');
    append_json_string(prefix, column);
    prefix += ':';
    prefixes_.push_back(std::move(prefix));
  }
}

void ObjectRowWriter::append(std::string& out, const Row& row, IntegerStyle integers) const {
  for (std::size_t column = 0; column < row.size(); ++column) {
    out += prefixes_[column];
    append_json_value(out, row[column], integers);
  }
  out += '}';
}

void ObjectRowWriter::append(std::string& out, const std::vector<Row>& rows, std::size_t begin,
                             std::size_t end, IntegerStyle integers) const {
  for (std::size_t i = begin; i < end; ++i) {
    if (i != 0) out += ',';
    append(out, rows[i], integers);
  }
}

const std::string* find_repeated_column(const std::vector<std::string>& columns) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (std::find(columns.begin(), column, *column) != column) return &*column;
  }
  return nullptr;
}

}  // namespace quorate
