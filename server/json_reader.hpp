// Reads JSON (RFC 8259) strictly: what a client meant is kept exactly, or refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/error.hpp"
#include "server/json_value.hpp"
#include "server/parameter_rows_json.hpp"

namespace quorate {

struct JsonLimits {
  std::size_t depth = 64;          // nested arrays and objects
  std::size_t values = 2'000'000;  // in the whole document, but for rows of parameters
};

// An array that is not read as a tree, but as rows of parameters (JsonValue::Rows).
struct JsonRowsMember {
  std::string_view name;  // of the object's member that is one, wherever it stands
  ParameterRowsLimits limits;
};

// Errors. malformed_request: not JSON, not UTF-8, an integer that does not fit 64 bits with sign, a number
// too large for a double, a name given twice in one object. limit_exceeded: nested too deep, too many values.
// The message says where or what.
Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows = {});

// read_json() in parts, so that others need not wait while a long text is read. Text and limits must outlive it.
class JsonReading {
 public:
  JsonReading(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows = {});
  ~JsonReading();

  // Reads on, for so many bytes at most, but at least one. False: there is nothing left to be read.
  bool read(std::size_t bytes);
  // Once, after that. Errors: those of read_json().
  Result<JsonValue> take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads one row of parameters, which is all of the text. What is wrong with the row itself `rows` says; the errors are those
// of read_json().
Result<void> read_json_row(std::string_view text, const JsonLimits& limits, ParameterRowsBuilder& rows);

}  // namespace quorate
