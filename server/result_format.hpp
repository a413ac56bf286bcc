// How a result is written while it is streamed: as NDJSON or as CSV.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/query.hpp"
#include "server/rows_json.hpp"

namespace quorate {

class ResultFormat {
 public:
  virtual ~ResultFormat() = default;
  virtual std::string_view content_type() const = 0;  // a literal
  virtual void begin(std::string& out, const ResultHead& head, const std::string& node) = 0;
  virtual void row(std::string& out, const Row& row) = 0;
  virtual void end(std::string& out, std::uint64_t rows, bool truncated) = 0;
  // In place of the end. `problem` is the problem document.
  virtual void failure(std::string& out, const std::string& problem) = 0;
};

// One JSON value a line: {"columns":[...],"types":[...],"node":"n1","index":7}, the rows, and {"end":true,"rows":2,
// "truncated":false} or {"error":{...}}.
std::unique_ptr<ResultFormat> make_ndjson(RowShape shape, const ResultHead& head, IntegerStyle integers);

// RFC 4180, with a line of column names. NULL is an empty field, empty text is "". BLOBs are base64, and so is text that
// is not UTF-8. Infinities are Infinity and -Infinity. Nothing is written at the end.
std::unique_ptr<ResultFormat> make_csv();

// One value as a CSV field.
void append_csv_value(std::string& out, const Value& value);

}  // namespace quorate
