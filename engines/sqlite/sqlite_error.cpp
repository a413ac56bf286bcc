#include "engines/sqlite/sqlite_error.hpp"

#include <sqlite3.h>

namespace quorate {
namespace {

constexpr int kPrimaryCodeMask = 0xff;

std::string describe(ErrorCode code, const std::string& message) {
  switch (code) {
    case ErrorCode::disk_full: return "The database has no room left: " + message + ".";
    case ErrorCode::io_error: return "The database cannot be read or written: " + message + ".";
    case ErrorCode::corrupt: return "The database file is damaged or is no database: " + message + ".";
    case ErrorCode::statement_timeout: return "The statement ran longer than its time limit.";
    default: return message;
  }
}

Error make_error(int sqlite_code, const std::string& message) {
  const ErrorCode code = error_code_of(sqlite_code);
  return Error{.code = code, .message = describe(code, message)};
}

}  // namespace

ErrorCode error_code_of(int sqlite_code) {
  if (sqlite_code == SQLITE_CORRUPT_VTAB) return ErrorCode::sql_error;
  switch (sqlite_code & kPrimaryCodeMask) {
    case SQLITE_CONSTRAINT: return ErrorCode::constraint_failed;
    case SQLITE_INTERRUPT: return ErrorCode::statement_timeout;
    case SQLITE_AUTH: return ErrorCode::forbidden_sql;
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return ErrorCode::limit_exceeded;
    case SQLITE_FULL: return ErrorCode::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::corrupt;
    case SQLITE_BUSY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_NOLFS:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY: return ErrorCode::io_error;
    case SQLITE_MISUSE:
    case SQLITE_INTERNAL: return ErrorCode::internal;
    default: return ErrorCode::sql_error;
  }
}

Error last_error(sqlite3* database) {
  return make_error(sqlite3_extended_errcode(database), sqlite3_errmsg(database));
}

Error to_error(const SQLite::Exception& exception) {
  return make_error(
      exception.getExtendedErrorCode() > 0 ? exception.getExtendedErrorCode() : exception.getErrorCode(),
      exception.what());
}

bool is_database_failure(ErrorCode code) {
  return code == ErrorCode::disk_full || code == ErrorCode::io_error || code == ErrorCode::corrupt ||
         code == ErrorCode::quarantined || code == ErrorCode::internal;
}

}  // namespace quorate
