// Statements as bytes: the part that log entries (core/batch_codec.hpp) and messages (core/wire_codec.hpp)
// have in common. The form is that of the log, so it is fixed. What is no statement makes the Decoder fail.
#pragma once

#include <vector>

#include "core/bytes.hpp"
#include "core/transaction.hpp"

namespace quorate {

void put(Encoder& out, const Parameters& parameters);
Parameters get_parameters(Decoder& in);

void put(Encoder& out, const std::vector<Statement>& statements);
std::vector<Statement> get_statements(Decoder& in);

}  // namespace quorate
