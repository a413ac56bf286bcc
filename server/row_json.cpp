#include "server/row_json.hpp"

#include "server/row_cursor.hpp"
#include "server/row_id.hpp"
#include "server/row_precondition.hpp"
#include "server/rows_json.hpp"

namespace quorate {

Value version_of(const RowLayout& layout, const Row& row) {
  return layout.version ? row[*layout.version] : Value(Null{});
}

HttpResponse row_response(unsigned status, const RowLayout& layout, Row row, IntegerStyle integers) {
  HttpResponse response{.status = status};
  if (const auto tag = entity_tag(version_of(layout, row))) response.headers.emplace_back("ETag", *tag);
  row.resize(layout.columns.size());
  ObjectRowWriter(layout.columns).append(response.body, {std::move(row)}, 0, 1, integers);
  return response;
}

HttpResponse created_response(const RowLayout& layout, const Row& row, IntegerStyle integers) {
  HttpResponse response = row_response(201, layout, row, integers);
  if (const std::optional<std::string> id = format_row_id(pick(row, layout.key))) {
    std::string path = "/v1/tables/";
    append_percent_encoded(path, layout.table);
    response.headers.emplace_back("Location", path + "/rows/" + *id);
  }
  return response;
}

std::string page_json(const RowLayout& layout, QueryResult result, IntegerStyle integers) {
  std::string cursor = "null";
  if (result.truncated) {
    cursor.clear();
    append_json_string(cursor, write_cursor(layout.table, pick(result.rows.back(), layout.order)));
  }
  for (Row& row : result.rows) row.resize(layout.columns.size());
  std::string out = "{\"rows\":[";
  ObjectRowWriter(layout.columns).append(out, result.rows, 0, result.rows.size(), integers);
  out.append("],\"next_cursor\":").append(cursor).append(",\"index\":");
  append_json_integer(out, result.index);
  out += '}';
  return out;
}

}  // namespace quorate
