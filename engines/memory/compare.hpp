// The order of values, as SQL databases in the manner of SQLite have it: NULL, numbers, text, BLOB.
#pragma once

#include "core/value.hpp"

namespace quorate {

// Negative, zero or positive. Integers and doubles compare by their exact numeric value.
int compare_values(const Value& left, const Value& right);

struct ValueLess {
  bool operator()(const Value& left, const Value& right) const { return compare_values(left, right) < 0; }
};

}  // namespace quorate
