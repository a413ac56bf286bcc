// A JSON document as our reader gives it: integers are exact, names of an object are unique and in their
// order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace quorate {

struct JsonMember;

struct JsonValue {
  using Array = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;
  using Null = std::monostate;

  std::variant<Null, bool, std::int64_t, double, std::string, Array, Object> data;

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
