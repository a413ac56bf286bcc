// The one place that turns SQLite's result codes into Quorate's errors.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <exception>
#include <utility>

#include "core/error.hpp"

struct sqlite3;

namespace quorate {

// For an extended result code. SQLITE_CORRUPT_VTAB is a sql_error: a statement can bring it about.
ErrorCode error_code_of(int sqlite_code);

// The last error of the connection, with its own message.
Error last_error(sqlite3* database);

Error to_error(const SQLite::Exception& exception);

// True of errors of the database itself, as opposed to those of one statement: the whole batch fails with them.
bool is_database_failure(ErrorCode code);

// Runs the operation and gives what it throws as an Error: exceptions never leave the engine.
template <typename Operation>
auto guarded(Operation&& operation) -> decltype(operation()) {
  try {
    return std::forward<Operation>(operation)();
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(exception));
  } catch (const std::exception& exception) {
    return fail(ErrorCode::internal, std::string("The SQLite engine failed: ") + exception.what());
  }
}

}  // namespace quorate
