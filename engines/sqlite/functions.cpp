#include "engines/sqlite/functions.hpp"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace quorate {
namespace {

TransactionContext& context_of(sqlite3_context* call) {
  return *static_cast<TransactionContext*>(sqlite3_user_data(call));
}

void random_integer(sqlite3_context* call, int, sqlite3_value**) {
  sqlite3_result_int64(call, static_cast<sqlite3_int64>(context_of(call).random.next()));
}

void random_blob(sqlite3_context* call, int, sqlite3_value** arguments) {
  const sqlite3_int64 wanted = std::max<sqlite3_int64>(1, sqlite3_value_int64(arguments[0]));
  if (wanted > sqlite3_limit(sqlite3_context_db_handle(call), SQLITE_LIMIT_LENGTH, -1)) {
    sqlite3_result_error_toobig(call);
    return;
  }
  std::string bytes(static_cast<std::size_t>(wanted), '\0');
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = context_of(call).random.next();
    std::memcpy(bytes.data() + i, &word, std::min(sizeof(word), bytes.size() - i));
  }
  sqlite3_result_blob64(call, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

// SQLite's own count is right once the transaction has changed something; until then it is an earlier one's.
void changes(sqlite3_context* call, int, sqlite3_value**) {
  sqlite3* const database = sqlite3_context_db_handle(call);
  const bool none = sqlite3_total_changes64(database) == context_of(call).changes_before;
  sqlite3_result_int64(call, none ? 0 : sqlite3_changes64(database));
}

void total_changes(sqlite3_context* call, int, sqlite3_value**) {
  const sqlite3_int64 total = sqlite3_total_changes64(sqlite3_context_db_handle(call));
  sqlite3_result_int64(call, total - context_of(call).changes_before);
}

}  // namespace

void install_functions(sqlite3* database, TransactionContext& context) {
  using Function = void (*)(sqlite3_context*, int, sqlite3_value**);
  const auto install = [&](const char* name, int arguments, Function function) {
    // Innocuous as SQLite's own are, so that DEFAULT (random()) and triggers may use them.
    const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
    const int code = sqlite3_create_function_v2(database, name, arguments, flags, &context, function, nullptr,
                                                nullptr, nullptr);
    if (code != SQLITE_OK) throw SQLite::Exception(database, code);
  };
  install("random", 0, random_integer);
  install("randomblob", 1, random_blob);
  install("changes", 0, changes);
  install("total_changes", 0, total_changes);
}

}  // namespace quorate
