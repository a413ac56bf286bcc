#include "engines/sqlite/client_statement.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <type_traits>

#include "engines/sqlite/sqlite_error.hpp"

namespace quorate {
namespace {

// The error of what just failed, which may be the authorizer's refusal or one that SQLite makes of its own accord.
Error client_error(Connection& connection) {
  Error error = last_error(connection.handle());
  if (!connection.authorizer().refusal().empty()) {
    error.code = ErrorCode::forbidden_sql;
    error.message = connection.authorizer().refusal();
  }
  const bool refused_by_sqlite = error.message.find("may not be modified") != std::string::npos ||
                                 error.message.starts_with("cannot VACUUM");
  if (error.code == ErrorCode::sql_error && refused_by_sqlite) error.code = ErrorCode::forbidden_sql;
  return error;
}

Placeholders placeholders_of(sqlite3_stmt* statement) {
  Placeholders placeholders;
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
    const char* name = sqlite3_bind_parameter_name(statement, i);
    placeholders.emplace_back(name == nullptr || *name == '?' ? "" : name + 1);
  }
  return placeholders;
}

// A Value or a ValueView.
template <typename AnyValue>
int bind_value(sqlite3_stmt* statement, int position, const AnyValue& value) {
  return std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, Null>) return sqlite3_bind_null(statement, position);
        if constexpr (std::is_same_v<Held, std::int64_t>)
          return sqlite3_bind_int64(statement, position, held);
        if constexpr (std::is_same_v<Held, double>) return sqlite3_bind_double(statement, position, held);
        if constexpr (std::is_convertible_v<Held, std::string_view>) {
          return sqlite3_bind_text64(statement, position, held.data(), held.size(), SQLITE_STATIC,
                                     SQLITE_UTF8);
        }
        if constexpr (std::is_same_v<Held, Blob> || std::is_same_v<Held, BlobView>) {
          return sqlite3_bind_blob64(statement, position, held.bytes.data(), held.bytes.size(),
                                     SQLITE_STATIC);
        }
      },
      value);
}

Value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return size == 0 ? Blob{} : Blob{std::string(bytes, size)};
    }
    default: return Null{};
  }
}

}  // namespace

void ClientStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<ClientStatement> ClientStatement::compile(Connection& connection, const std::string& sql) {
  if (sql.find('\0') != std::string::npos) {
    return fail(ErrorCode::sql_error, "The SQL text contains a NUL character.");
  }
  ClientStatement statement;
  sqlite3_stmt* handle = nullptr;
  std::string_view rest = sql;
  const Authorizer::ClientScope scope(connection.authorizer());
  while (handle == nullptr && !rest.empty()) {
    // The size includes the closing NUL, which spares SQLite a copy of the text.
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(connection.handle(), rest.data(), static_cast<int>(rest.size() + 1),
                                        SQLITE_PREPARE_PERSISTENT, &handle, &tail);
    statement.handle_.reset(handle);
    if (code != SQLITE_OK) return std::unexpected(client_error(connection));
    rest.remove_prefix(std::min(rest.size(), static_cast<std::size_t>(tail - rest.data())));
  }
  if (handle == nullptr) return fail(ErrorCode::sql_error, "The SQL text holds no statement.");
  if (!is_blank(rest)) {
    return fail(ErrorCode::sql_error,
                "The SQL text holds more than one statement; send each as a statement of its own.");
  }
  statement.kind_ = kind_of(sql);
  statement.placeholders_ = placeholders_of(handle);
  statement.creates_ = connection.authorizer().table_created_from_select();
  return statement;
}

bool ClientStatement::only_reads() const {
  return sqlite3_stmt_readonly(handle_.get()) != 0;
}

Result<void> ClientStatement::bind(const Parameters& parameters) {
  const Result<std::vector<const Value*>> values = match_parameters(placeholders_, parameters);
  if (!values) return std::unexpected(values.error());
  for (std::size_t i = 0; i < values->size(); ++i) {
    const int code = bind_value(handle_.get(), static_cast<int>(i) + 1, *(*values)[i]);
    if (code != SQLITE_OK) return std::unexpected(last_error(sqlite3_db_handle(handle_.get())));
  }
  return {};
}

Result<std::vector<std::size_t>> ClientStatement::match(const ParameterRows& rows) const {
  return match_rows(placeholders_, rows);
}

Result<void> ClientStatement::bind_row(const std::vector<ValueView>& row,
                                       const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const int code = bind_value(handle_.get(), static_cast<int>(i) + 1, row[places[i]]);
    if (code != SQLITE_OK) return std::unexpected(last_error(sqlite3_db_handle(handle_.get())));
  }
  return {};
}

void ClientStatement::rewind() {
  sqlite3_reset(handle_.get());
}

Result<bool> ClientStatement::step(Connection& connection) {
  const Authorizer::ClientScope scope(connection.authorizer());
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(client_error(connection));
}

Row ClientStatement::row() const {
  const int count = sqlite3_column_count(handle_.get());
  Row row;
  row.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) row.push_back(column_value(handle_.get(), i));
  return row;
}

std::vector<std::string> ClientStatement::columns() const {
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(handle_.get()); ++i) {
    names.emplace_back(sqlite3_column_name(handle_.get(), i));
  }
  return names;
}

std::vector<std::string> ClientStatement::declared_types() const {
  std::vector<std::string> types;
  for (int i = 0; i < sqlite3_column_count(handle_.get()); ++i) {
    const char* declared = sqlite3_column_decltype(handle_.get(), i);
    std::string& type = types.emplace_back(declared == nullptr ? "" : declared);
    std::ranges::transform(type, type.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  }
  return types;
}

void ClientStatement::finish() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

}  // namespace quorate
