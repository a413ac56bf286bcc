#include "core/error.hpp"

namespace quorate {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed_request: return "malformed_request";
    case ErrorCode::limit_exceeded: return "limit_exceeded";
    case ErrorCode::result_too_large: return "result_too_large";
    case ErrorCode::sql_error: return "sql_error";
    case ErrorCode::parameter_mismatch: return "parameter_mismatch";
    case ErrorCode::forbidden_sql: return "forbidden_sql";
    case ErrorCode::constraint_failed: return "constraint_failed";
    case ErrorCode::version_conflict: return "version_conflict";
    case ErrorCode::row_count_mismatch: return "row_count_mismatch";
    case ErrorCode::idempotency_key_reused: return "idempotency_key_reused";
    case ErrorCode::statement_timeout: return "statement_timeout";
    case ErrorCode::overloaded: return "overloaded";
    case ErrorCode::no_leader: return "no_leader";
    case ErrorCode::node_unavailable: return "node_unavailable";
    case ErrorCode::replica_mismatch: return "replica_mismatch";
    case ErrorCode::deadline_exceeded: return "deadline_exceeded";
    case ErrorCode::leadership_lost: return "leadership_lost";
    case ErrorCode::stale_read: return "stale_read";
    case ErrorCode::disk_full: return "disk_full";
    case ErrorCode::io_error: return "io_error";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::identity_mismatch: return "identity_mismatch";
    case ErrorCode::quarantined: return "quarantined";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::precondition_required: return "precondition_required";
    case ErrorCode::precondition_failed: return "precondition_failed";
    case ErrorCode::version_column_missing: return "version_column_missing";
    case ErrorCode::not_a_table: return "not_a_table";
    case ErrorCode::shutting_down: return "shutting_down";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::not_applied: return "not_applied";
    case Outcome::applied: return "applied";
    case Outcome::unknown: return "unknown";
  }
  return "unknown";
}

bool is_retryable(ErrorCode code) {
  switch (code) {
    case ErrorCode::overloaded:
    case ErrorCode::no_leader:
    case ErrorCode::node_unavailable:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::leadership_lost:
    case ErrorCode::stale_read:
    case ErrorCode::disk_full:
    case ErrorCode::quarantined:
    case ErrorCode::shutting_down: return true;
    default: return false;
  }
}

}  // namespace quorate
