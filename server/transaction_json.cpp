#include "server/transaction_json.hpp"

#include <limits>

#include "server/parameters_json.hpp"
#include "server/request_fields.hpp"
#include "server/rows_json.hpp"

namespace quorate {

namespace {

constexpr std::string_view kTransactionFields = "statements, mode, timeout_ms";
constexpr std::string_view kStatementFields = "sql, params, params_batch, expect_rows, allow_no_rows";
constexpr std::string_view kRowsField = "params_batch";

Result<ParameterRows> decode_parameter_rows(const Place& place, JsonValue& value) {
  const auto* given = value.as<JsonValue::Rows>();
  if (given == nullptr) return wrong_type(place, value, "an array of parameter lists");
  const JsonRows& rows = **given;
  if (rows.failure) {
    return std::unexpected(
        Error{.code = rows.failure->code,
              .message = place.text() + "/" + std::to_string(rows.failure->row) + rows.failure->text,
              .params_index = rows.failure->row});
  }
  if (rows.rows.empty()) return malformed(place, "must hold at least one parameter list.");
  return rows.rows;
}

Result<Statement> decode_statement(const Place& place, JsonValue& value, const CoreLimits& limits) {
  constexpr std::int64_t kMaxRows = std::numeric_limits<std::int64_t>::max();
  Result<JsonValue::Object*> object = expect_object(place, value);
  if (!object) return std::unexpected(std::move(object.error()));
  Statement statement;
  std::optional<Error> error;
  bool has_parameters = false;
  for (JsonMember& member : **object) {
    const Place field = place.at(member.name);
    has_parameters = has_parameters || member.name == "params";
    if (member.name == "sql") {
      store(expect_sql(field, member.value, limits), statement.sql, error);
    } else if (member.name == "params") {
      store(decode_parameters(field, member.value, limits), statement.parameters, error);
    } else if (member.name == kRowsField) {
      store(decode_parameter_rows(field, member.value), statement.rows, error);
    } else if (member.name == "expect_rows") {
      store(expect_integer(field, member.value, 0, kMaxRows), statement.expect_rows, error);
    } else if (member.name == "allow_no_rows") {
      store(expect_boolean(field, member.value), statement.allow_no_rows, error);
    } else {
      return unknown_field(place, member.name, kStatementFields);
    }
    if (error) return std::unexpected(std::move(*error));
  }
  if (statement.sql.empty()) return malformed(place, "needs the field \"sql\".");
  if (has_parameters && !statement.rows.empty())
    return malformed(place, "must have \"params\" or \"params_batch\", not both.");
  return statement;
}

Result<std::vector<Statement>> decode_statements(const Place& place, JsonValue& value,
                                                 const CoreLimits& limits) {
  auto* array = value.as<JsonValue::Array>();
  if (array == nullptr) return wrong_type(place, value, "an array of statements");
  if (array->empty()) return malformed(place, "must hold at least one statement.");
  if (array->size() > limits.statements_per_transaction) {
    return too_large(place, "has " + std::to_string(array->size()) + " statements",
                     limits.statements_per_transaction);
  }
  std::vector<Statement> statements;
  statements.reserve(array->size());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < array->size(); ++i) {
    Result<Statement> statement = decode_statement(place.at(i), (*array)[i], limits);
    if (!statement) {
      statement.error().statement = i;
      return std::unexpected(std::move(statement.error()));
    }
    rows += statement->rows.count();
    statements.push_back(std::move(*statement));
  }
  if (rows > limits.parameter_rows)
    return too_large(place, "have " + std::to_string(rows) + " rows of parameters", limits.parameter_rows);
  return statements;
}

void append_statement_result(std::string& out, const StatementResult& result, IntegerStyle integers) {
  out += "{\"rows_affected\":";
  append_json_integer(out, result.rows_affected);
  out += ",\"last_insert_id\":";
  append_json_integer(out, result.last_insert_id, integers);
  if (!result.columns.empty()) {
    out += ",\"columns\":";
    append_json_strings(out, result.columns);
    out += ",\"rows\":[";
    append_rows_as_arrays(out, result.rows, 0, result.rows.size(), integers);
    out += ']';
  }
  out += '}';
}

}  // namespace

JsonRowsMember transaction_rows(const CoreLimits& limits) {
  return {.name = kRowsField,
          .limits = {.rows = limits.parameter_rows, .values_per_row = limits.parameters_per_statement}};
}

Result<TransactionRequest> decode_transaction(JsonValue& body, const CoreLimits& limits) {
  const Place root;
  Result<JsonValue::Object*> object = expect_object(root, body);
  if (!object) return std::unexpected(std::move(object.error()));
  TransactionRequest request{.transaction = {}, .timeout = limits.default_timeout};
  std::optional<Error> error;
  for (JsonMember& member : **object) {
    const Place field = root.at(member.name);
    if (member.name == "statements") {
      store(decode_statements(field, member.value, limits), request.transaction.statements, error);
    } else if (member.name == "mode") {
      store(expect_mode(field, member.value), request.transaction.mode, error);
    } else if (member.name == "timeout_ms") {
      store(expect_timeout(field, member.value, limits), request.timeout, error);
    } else {
      return unknown_field(root, member.name, kTransactionFields);
    }
    if (error) return std::unexpected(std::move(*error));
  }
  if (request.transaction.statements.empty()) return malformed(root, "needs the field \"statements\".");
  return request;
}

namespace {

void append_receipt_members(std::string& out, const WriteReceipt& receipt, IntegerStyle integers) {
  out += "\"transaction_id\":";
  append_json_string(out, receipt.transaction_id);
  out += ",\"index\":";
  append_json_integer(out, receipt.index);
  out += ",\"term\":";
  append_json_integer(out, receipt.term);
  out += ",\"mode\":";
  append_json_string(out, to_string(receipt.mode));
  out += ",\"results\":[";
  bool first = true;
  for (const StatementResult& result : receipt.result.statements) {
    if (!std::exchange(first, false)) out += ',';
    append_statement_result(out, result, integers);
  }
  out += "],\"nodes\":{\"committed\":";
  append_json_strings(out, receipt.committed);
  out += ",\"pending\":";
  append_json_strings(out, receipt.pending);
  out += '}';
}

std::string_view name_of(KeyState::State state) {
  switch (state) {
    case KeyState::State::unknown: return "unknown";
    case KeyState::State::in_doubt: return "in_doubt";
    case KeyState::State::committed: return "committed";
    case KeyState::State::aborted: return "aborted";
  }
  return "unknown";
}

}  // namespace

void append_receipt(std::string& out, const WriteReceipt& receipt, IntegerStyle integers) {
  out += '{';
  append_receipt_members(out, receipt, integers);
  out += '}';
}

void append_key_state(std::string& out, std::string_view key, const KeyState& state, IntegerStyle integers) {
  out += "{\"key\":";
  append_json_string(out, key);
  out += ",\"state\":";
  append_json_string(out, name_of(state.state));
  if (state.receipt) {
    out += ',';
    append_receipt_members(out, *state.receipt, integers);
  }
  if (state.refusal) {
    out += ",\"code\":";
    append_json_string(out, to_string(state.refusal->code));
    out += ",\"detail\":";
    append_json_string(out, state.refusal->message);
  }
  out += '}';
}

}  // namespace quorate
