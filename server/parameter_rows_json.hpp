// Builds rows of parameters from what a JSON parser meets, straight into their compact form: no tree per row. The values
// are those that decode_value() takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/parameter_rows.hpp"
#include "server/json_value.hpp"

namespace quorate {

struct ParameterRowsLimits {
  std::size_t rows = 1'000'000;
  std::size_t values_per_row = kMaxParametersPerRow;
};

class ParameterRowsBuilder {
 public:
  explicit ParameterRowsBuilder(const ParameterRowsLimits& limits) : limits_(limits) {}

  // What the parser meets, in its order: at the top one array or object for each row. All must have the form of the first:
  // arrays of one length, or objects with the same names, in whatever order.
  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  void string(std::string_view text);
  void start_array();
  void end_array() { close(); }
  void start_object();
  void key(std::string_view name);
  void end_object() { close(); }

  // How many arrays and objects are open.
  std::size_t depth() const { return depth_; }
  // The first thing that is wrong; what comes after it is passed over.
  const std::optional<JsonRowFailure>& failure() const { return failure_; }

  std::size_t count() const { return writer_.count(); }
  std::size_t size_bytes() const { return writer_.size_bytes(); }
  // The rows so far, which must be complete. Those that follow must have the same form.
  ParameterRows take();

 private:
  template <typename T>
  void add(const T& value);
  void write(JsonValue::Null) { writer_.put_null(); }
  void write(bool value) { writer_.put(std::int64_t{value ? 1 : 0}); }
  void write(std::int64_t value) { writer_.put(value); }
  void write(double value) { writer_.put(value); }
  void write(std::string_view text) { writer_.put_text(text); }
  void write(const Value& value) { writer_.put(value); }

  void begin_row(bool named);
  void end_row();
  bool begin_value();
  void choose_column(std::string_view name);
  void put_in_order();
  void end_tagged();
  void close();
  void fail(std::string text, ErrorCode code = ErrorCode::malformed_request);
  void fail_value(std::string_view problem);

  const ParameterRowsLimits limits_;
  ParameterRowsWriter writer_;
  std::optional<JsonRowFailure> failure_;
  std::size_t depth_ = 0;

  // The form of all rows, known with the first.
  bool has_form_ = false;
  bool named_ = false;
  std::size_t width_ = 0;
  ParameterRows::Names names_;
  std::unordered_map<std::string, std::size_t> columns_;  // by name

  // The present row.
  std::size_t values_ = 0;
  std::size_t column_ = 0;  // of the value that comes next, or has just begun
  bool in_order_ = true;
  std::size_t row_begin_ = 0;
  std::vector<std::size_t> begins_;     // by column: where its value begins, if it has one in this row
  std::vector<std::size_t> ends_;       // likewise
  std::vector<std::size_t> filled_in_;  // by column: the last row that has it, from 1
  std::string scratch_;

  JsonValue::Object tagged_;  // {"base64": ...} and the like
};

}  // namespace quorate
