// Matches a client's parameters to a statement's placeholders: the one rule that every engine follows.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/value.hpp"

namespace quorate {

// A statement's placeholders in their order: the name without its prefix character, or "" for `?` and `?NNN`.
using Placeholders = std::vector<std::string>;

// For each placeholder the value that it takes; the pointers live as long as `parameters`.
// Errors: parameter_mismatch, naming the count or the names that do not fit.
Result<std::vector<const Value*>> match_parameters(const Placeholders& placeholders,
                                                   const Parameters& parameters);

}  // namespace quorate
