// Matches a client's parameters to a statement's placeholders: the one rule that every engine follows.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/parameter_rows.hpp"
#include "core/value.hpp"

namespace quorate {

// A statement's placeholders in their order: the name without its prefix character, or "" for `?` and `?NNN`.
using Placeholders = std::vector<std::string>;

// For each placeholder the value that it takes; the pointers live as long as `parameters`.
// Errors: parameter_mismatch, naming the count or the names that do not fit.
Result<std::vector<const Value*>> match_parameters(const Placeholders& placeholders,
                                                   const Parameters& parameters);

// The same for many rows: for each placeholder the place in a row of the value that it takes.
Result<std::vector<std::size_t>> match_rows(const Placeholders& placeholders, const ParameterRows& rows);

// Why a statement that neither reads nor changes rows is not run with many rows of parameters.
std::unexpected<Error> takes_no_rows();

}  // namespace quorate
