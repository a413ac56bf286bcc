// The one error type of Quorate. Expected failures travel as Result<T>; exceptions are for start-up and bugs.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace quorate {

// What became of the transaction that the error answers. `unknown` is used only where it is the truth.
enum class Outcome { not_applied, applied, unknown };

// Each code is documented for users under /problems/{code}; server/problem.cpp maps it to an HTTP status.
enum class ErrorCode {
  malformed_request,   // not what the API takes: JSON, types, unknown fields, encoding
  limit_exceeded,      // a documented limit was passed: statements, parameters, depth, sizes
  result_too_large,    // more result rows or bytes than allowed
  sql_error,           // the engine cannot compile or run the statement
  parameter_mismatch,  // the parameters do not fit the statement's placeholders
  forbidden_sql,       // valid SQL that would break replication or isolation: ATTACH, BEGIN, _cluster_*, ...
  constraint_failed,   // UNIQUE, NOT NULL, CHECK, FOREIGN KEY (also deferred ones)
  version_conflict,    // an UPDATE or DELETE touched no row
  row_count_mismatch,  // expect_rows was not met
  idempotency_key_reused,  // the key stands for another request
  statement_timeout,       // the statement ran longer than its time limit
  overloaded,              // a queue or connection limit is reached; try again later
  no_leader,               // no leader was known before the deadline
  node_unavailable,        // DualWrite: a node refused or did not answer; `node` names it
  replica_mismatch,        // DualWrite: a node computed another result; `node` names it
  deadline_exceeded,       // the request's deadline passed
  leadership_lost,         // the leader changed while the transaction was being decided
  stale_read,              // min_index was not reached before the deadline
  disk_full,               // the engine has no room; nothing was written
  io_error,                // the engine or log failed
  corrupt,                 // stored bytes do not check out
  identity_mismatch,       // _cluster_meta does not match the configuration
  quarantined,             // this node's content is not trusted any more
  not_found,               // no such resource
  precondition_required,   // a row may only be changed by who names its version
  precondition_failed,     // the row has another version, or is there already
  version_column_missing,  // rows of this table cannot be changed one by one
  not_a_table,             // a view or virtual table, or one whose rows have no key
  shutting_down,           // the process is stopping
  internal,                // a bug
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  // one or two sentences for a person who has not read the code
  Outcome outcome = Outcome::not_applied;
  std::optional<std::size_t> statement = {};  // position of the failing statement in its transaction, from 0
  std::optional<std::size_t> params_index = {};  // which of the statement's rows of parameters, from 0
  std::string node = {};                         // the node that caused it, where one did
};

template <typename T>
using Result = std::expected<T, Error>;

// Shorthand for `return fail(ErrorCode::..., "...")`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                   Outcome outcome = Outcome::not_applied) {
  return std::unexpected(Error{.code = code, .message = std::move(message), .outcome = outcome});
}

// The snake_case name that clients see, e.g. "version_conflict".
std::string_view to_string(ErrorCode code);
std::string_view to_string(Outcome outcome);

// True when the same request may succeed later without being changed.
bool is_retryable(ErrorCode code);

}  // namespace quorate
