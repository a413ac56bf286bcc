#include <algorithm>
#include <array>

#include "server/problem.hpp"

namespace quorate {

namespace {

constexpr auto kKinds = std::to_array<ProblemKind>({
    {"malformed_request", 400, "The request is not what the API takes",
     "The body, a header, the URL or a field has the wrong form. `detail` says which. Nothing was run. "
     "Correct the "
     "request; /openapi.yaml describes what is taken."},
    {"limit_exceeded", 413, "A limit was exceeded",
     "The request is larger than this server takes: its body, the number of statements or parameters, the "
     "length of "
     "an SQL text, or the nesting of its JSON. `detail` names the limit. Split the work into smaller "
     "requests, or have "
     "the operator raise the limit (see `quorate serve --help`)."},
    {"result_too_large", 413, "The result is too large",
     "The statement returns more rows or bytes than one answer may hold. Use LIMIT, select fewer columns, or "
     "read in "
     "parts by key."},
    {"sql_error", 422, "The SQL statement cannot be run",
     "The database refuses the statement: its syntax, a table or column that does not exist, or an error "
     "while it "
     "ran. `detail` has the database's own words and `statement` the position of the statement, from 0. The "
     "whole "
     "transaction was rolled back."},
    {"parameter_mismatch", 422, "The parameters do not fit the statement",
     "`params` must have exactly one value for each placeholder: an array for `?`, an object for `:name`, "
     "`@name` and "
     "`$name`. So must each list of `params_batch`. The whole transaction was rolled back."},
    {"forbidden_sql", 422, "This SQL is not allowed",
     "The statement would break replication or the isolation of transactions, for example BEGIN, COMMIT, "
     "ATTACH, "
     "temporary tables, or a write to a table whose name begins with _cluster_. Or a query tried to write. "
     "The whole "
     "transaction was rolled back."},
    {"constraint_failed", 422, "A constraint of the schema does not hold",
     "UNIQUE, NOT NULL, CHECK or FOREIGN KEY was violated. `detail` says which and `statement` where. The "
     "whole "
     "transaction was rolled back."},
    {"version_conflict", 409, "The row was changed or removed by somebody else",
     "An UPDATE or DELETE touched no row, which in optimistic locking means that the version it expects is "
     "not there "
     "any more. The whole transaction was rolled back on every node. Read the row again, decide anew, and "
     "send the "
     "transaction with the new version. A statement that may touch no row says \"allow_no_rows\": true."},
    {"row_count_mismatch", 409, "The statement affected another number of rows than expected",
     "`expect_rows` named a number, and the statement affected another one. The whole transaction was rolled "
     "back."},
    {"idempotency_key_reused", 422, "The Idempotency-Key stands for another request",
     "A transaction with this Idempotency-Key has been committed, and what was asked for then was something "
     "else. Nothing "
     "was run. A key belongs to one request: retries of it send the same statements and the same mode. "
     "Anything else "
     "needs a key of its own."},
    {"statement_timeout", 422, "The statement took too long",
     "The statement ran longer than this server allows and was interrupted. The whole transaction was rolled "
     "back. An "
     "index or a smaller portion of work helps."},
    {"overloaded", 429, "Too much at once",
     "A queue or a memory limit is reached. Nothing was run. Send the request again after the number of "
     "seconds in "
     "Retry-After."},
    {"no_leader", 503, "No leader is known",
     "The nodes have not elected a leader, or too few of them are up. Nothing was applied. Send the request "
     "again "
     "after the number of seconds in Retry-After; GET /v1/cluster shows the state of each node."},
    {"node_unavailable", 503, "A node that has to take part is not available",
     "In the dual_write mode every data node must take part, and `node` did not: nothing was applied on any "
     "node. Or the node that was asked is down or catching up. Try again later, or ask another process; the "
     "operator can bring the node back, or switch the mode to quorum."},
    {"replica_mismatch", 500, "A node computed another result",
     "In the dual_write mode all nodes must compute the same result, and `node` did not. Nothing was "
     "applied. The "
     "content of that node is not to be trusted; POST /v1/cluster/verify shows what differs."},
    {"deadline_exceeded", 503, "The time of the request has passed",
     "No decision was reached within timeout_ms. `outcome` says whether the transaction may have been "
     "applied: after "
     "not_applied it is safe to send it again; after unknown, read before you do."},
    {"leadership_lost", 503, "The leader changed while the transaction was being decided",
     "`outcome` says what is known of the transaction: after not_applied it is safe to send it again; after "
     "unknown, "
     "read before you do."},
    {"stale_read", 503, "The node has not come far enough",
     "The index asked for with min_index was not reached before the deadline. Try again, or read from "
     "another node."},
    {"disk_full", 507, "The disk is full", "Nothing was applied. The operator has to make room."},
    {"io_error", 500, "Reading or writing a file failed",
     "The database or the log of a node could not be read or written. The server's log has the details."},
    {"corrupt", 500, "Stored data is damaged",
     "A checksum did not match what was read. The server's log has the details."},
    {"identity_mismatch", 409, "The node is not the one it says it is",
     "Another process takes part in the cluster under this node's id, or the node's files belong to another "
     "cluster or "
     "node."},
    {"quarantined", 503, "The node's content is not trusted",
     "The node was found to differ from the others, or its database was changed by another program. It takes "
     "no part "
     "until it has been repaired. Try again later."},
    {"not_found", 404, "There is no such thing here", "The path, or what the request names, does not exist."},
    {"precondition_required", 428, "The version of the row must be named",
     "A row is changed only by a client that says which version it has read, so that nobody's change is "
     "overwritten unseen. Read the row, and send the value of its header ETag as If-Match. `If-Match: *` "
     "changes "
     "whatever version there is; with PUT, `If-None-Match: *` creates a row that is not there."},
    {"precondition_failed", 412, "The row has another version",
     "Somebody else has changed the row since you read it, or it is there although If-None-Match said that "
     "it "
     "must not be. Nothing was changed. `current_version` and the header ETag have the version that it has "
     "now. Read "
     "the row again, decide anew, and send the change with the new version."},
    {"version_column_missing", 422, "The table has no column \"version\"",
     "Rows are changed one by one only where a version tells two writers apart. Add one, as `detail` says: "
     "ALTER TABLE \"t\" ADD COLUMN version INTEGER NOT NULL DEFAULT 1. Or change the rows with SQL, by "
     "POST /v1/transactions."},
    {"not_a_table", 422, "Rows cannot be addressed here",
     "The name is that of a view or a virtual table, or of a table whose rows have neither a primary key nor "
     "a row "
     "id. Use SQL: POST /v1/query reads it and POST /v1/transactions changes it."},
    {"shutting_down", 503, "The server is shutting down",
     "It finishes what it has begun and takes nothing new. Send the request to another server, or again "
     "later."},
    {"internal", 500, "An internal error",
     "This is a bug of the server. `outcome` says what is known of the transaction. Please report it with "
     "the "
     "request_id and the server's log."},
    // From here on: what HttpProblem lists, in its order.
    {"method_not_allowed", 405, "The method is not allowed here",
     "The header Allow lists the methods that are."},
    {"not_acceptable", 406, "The answer does not come in what Accept names",
     "Results are application/json, application/x-ndjson or text/csv. Nothing was run."},
    {"request_timeout", 408, "The request was not complete in time",
     "The header or the body did not arrive within the time allowed. Nothing was run. Send it again."},
    {"target_too_long", 414, "The URL is too long",
     "Send the query as POST /v1/query, with the SQL in the body."},
    {"unsupported_media_type", 415, "The body must be JSON",
     "Send the header `Content-Type: application/json`, and a body in UTF-8."},
    {"expectation_failed", 417, "The expectation cannot be met", "Only `Expect: 100-continue` is known."},
    {"http_version", 426, "This answer needs HTTP/1.1",
     "A result is streamed in chunks, so that a client can tell a complete one from one that was cut off; "
     "HTTP/1.0 has "
     "no chunks. Use HTTP/1.1 (a proxy may have to be told to), or ask for application/json. Nothing was "
     "run."},
    {"header_too_large", 431, "The header fields are too large", "Send fewer or shorter header fields."},
    {"too_many_connections", 503, "Too many connections",
     "The server has as many connections open as it may. Use connections again, or try later."},
});

constexpr std::size_t kErrorCodes = static_cast<std::size_t>(ErrorCode::internal) + 1;
static_assert(kKinds.size() == kErrorCodes + static_cast<std::size_t>(HttpProblem::too_many_connections) + 1);

}  // namespace

std::span<const ProblemKind> problem_kinds() {
  return kKinds;
}

const ProblemKind* find_problem_kind(std::string_view code) {
  const auto found = std::ranges::find(kKinds, code, &ProblemKind::code);
  return found == kKinds.end() ? nullptr : &*found;
}

const ProblemKind& kind_of(ErrorCode code) {
  return kKinds[static_cast<std::size_t>(code)];
}

const ProblemKind& kind_of(HttpProblem problem) {
  return kKinds[kErrorCodes + static_cast<std::size_t>(problem)];
}

}  // namespace quorate
