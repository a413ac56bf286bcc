// A JSON document as our reader gives it: integers are exact, names of an object are unique and in their
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/parameter_rows.hpp"

namespace quorate {

struct JsonMember;

// What is wrong with a row of parameters.
struct JsonRowFailure {
  std::size_t row = 0;  // from 0
  std::string text;     // to be put behind the place of the row: "/2 must be ...", " must be ..."
  ErrorCode code = ErrorCode::malformed_request;
};

// An array of parameter lists.
struct JsonRows {
  ParameterRows rows;
  std::optional<JsonRowFailure> failure;  // in place of rows
};

struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;
  using Null = std::monostate;
  using Rows = std::shared_ptr<const JsonRows>;

  std::variant<Null, bool, std::int64_t, double, std::string, Array, Object, Rows> data;

  template <typename T>
  T* as() {
    return std::get_if<T>(&data);
  }
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

}  // namespace quorate
