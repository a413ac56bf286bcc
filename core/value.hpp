// SQL values as they travel between client, log and engine.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quorate {

// Raw bytes, distinct from text.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

using Null = std::monostate;

// NULL, exact 64-bit integer, IEEE double (never NaN: SQL has NULL for that), UTF-8 text, BLOB.
using Value = std::variant<Null, std::int64_t, double, std::string, Blob>;
using Row = std::vector<Value>;

// A statement's parameters: `?` placeholders take `positional`, `:name`, `@name` and `$name` take `named` (given
// without the prefix character). One statement uses one kind.
struct Parameters {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  bool operator==(const Parameters&) const = default;
};

// About how much memory a value takes.
inline std::size_t size_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return sizeof(Value) + text->size();
  if (const auto* blob = std::get_if<Blob>(&value)) return sizeof(Value) + blob->bytes.size();
  return sizeof(Value);
}

}  // namespace quorate
