#include "core/transaction_codec.hpp"

namespace quorate {
namespace {

// The fewest bytes that each takes.
constexpr std::size_t kValueBytes = 1;
constexpr std::size_t kNameBytes = 4;
constexpr std::size_t kNamedValueBytes = 5;
constexpr std::size_t kStatementBytes = 22;

// The last byte of a statement; what is not here does not follow it.
constexpr std::uint8_t kAllowsNoRows = 1;
constexpr std::uint8_t kHasParameterRows = 2;

void put(Encoder& out, const ParameterRows& rows) {
  out.put(static_cast<std::uint32_t>(rows.count()));
  out.put(static_cast<std::uint32_t>(rows.width()));
  out.put(static_cast<std::uint32_t>(rows.names().size()));
  for (const std::string& name : rows.names()) out.put(std::string_view(name));
  out.put(rows.bytes());
}

ParameterRows get_parameter_rows(Decoder& in) {
  const auto count = in.get<std::uint32_t>();
  const auto width = in.get<std::uint32_t>();
  ParameterRows::Names names(in.get_count(kNameBytes));
  for (std::string& name : names) name = in.get_string();
  std::string bytes = in.get_string();
  if (in.failed()) return {};
  const auto rows = ParameterRows::parse(count, width, std::move(names), std::move(bytes));
  if (rows) return *rows;
  in.refuse();
  return {};
}

void put(Encoder& out, const Statement& statement) {
  out.put(std::string_view(statement.sql));
  put(out, statement.parameters);
  out.put(static_cast<std::uint8_t>(statement.expect_rows.has_value()));
  out.put(statement.expect_rows.value_or(0));
  const bool has_rows = !statement.rows.empty();
  out.put(static_cast<std::uint8_t>((statement.allow_no_rows ? kAllowsNoRows : 0) |
                                    (has_rows ? kHasParameterRows : 0)));
  if (has_rows) put(out, statement.rows);
}

Statement get_statement(Decoder& in) {
  Statement statement;
  statement.sql = in.get_string();
  statement.parameters = get_parameters(in);
  const bool expects = in.get<std::uint8_t>() != 0;
  const auto rows = in.get<std::int64_t>();
  if (expects) statement.expect_rows = rows;
  const auto flags = in.get<std::uint8_t>();
  if (flags > (kAllowsNoRows | kHasParameterRows)) in.refuse();
  statement.allow_no_rows = (flags & kAllowsNoRows) != 0;
  if ((flags & kHasParameterRows) != 0) statement.rows = get_parameter_rows(in);
  return statement;
}

}  // namespace

void put(Encoder& out, const Parameters& parameters) {
  out.put(static_cast<std::uint32_t>(parameters.positional.size()));
  for (const Value& value : parameters.positional) out.put(value);
  out.put(static_cast<std::uint32_t>(parameters.named.size()));
  for (const auto& [name, value] : parameters.named) {
    out.put(std::string_view(name));
    out.put(value);
  }
}

Parameters get_parameters(Decoder& in) {
  Parameters parameters;
  parameters.positional.resize(in.get_count(kValueBytes));
  for (Value& value : parameters.positional) value = in.get_value();
  parameters.named.resize(in.get_count(kNamedValueBytes));
  for (auto& [name, value] : parameters.named) {
    name = in.get_string();
    value = in.get_value();
  }
  return parameters;
}

void put(Encoder& out, const std::vector<Statement>& statements) {
  out.put(static_cast<std::uint32_t>(statements.size()));
  for (const Statement& statement : statements) put(out, statement);
}

std::vector<Statement> get_statements(Decoder& in) {
  std::vector<Statement> statements(in.get_count(kStatementBytes));
  for (Statement& statement : statements) statement = get_statement(in);
  return statements;
}

}  // namespace quorate
