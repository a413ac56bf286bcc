#include "engines/sqlite/authorizer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace quorate {
namespace {

constexpr std::string_view kClusterPrefix = "_cluster_";

template <std::size_t Size>
bool contains(const std::array<const char*, Size>& names, const char* name) {
  return name != nullptr &&
         std::ranges::any_of(names, [&](const char* known) { return sqlite3_stricmp(known, name) == 0; });
}

// They reach outside the database, or see what differs between equal nodes.
constexpr std::array<const char*, 7> kForbiddenFunctions{
    "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_offset", "sqlite_log"};

// What they show depends on a node's file or connection, not on its content.
constexpr std::array<const char*, 4> kNodeTables{"dbstat", "sqlite_stmt", "pragma_data_version",
                                                 "pragma_page_size"};

// They only read, and what they show is the same on every node.
constexpr std::array<const char*, 15> kPragmas{
    "table_info",   "table_xinfo",      "table_list",        "index_list",      "index_info",
    "index_xinfo",  "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check",
    "user_version", "application_id",   "encoding",          "foreign_keys",    "collation_list"};

// They only read, but what they show is this node's own.
constexpr std::array<const char*, 8> kReaderPragmas{"database_list",  "page_count",     "page_size",
                                                    "freelist_count", "schema_version", "function_list",
                                                    "module_list",    "compile_options"};

// Of the PRAGMAs above, those whose argument does not set anything.
constexpr std::array<const char*, 10> kPragmasWithArgument{
    "table_info",  "table_xinfo",      "table_list",        "index_list",      "index_info",
    "index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"};

constexpr std::array<const char*, 2> kModulePragmas{"data_version", "page_size"};

// Virtual tables whose content is a function of the statements that wrote it.
constexpr std::array<const char*, 8> kModules{"fts3",    "fts4",  "fts5",      "fts5vocab",
                                              "fts4aux", "rtree", "rtree_i32", "geopoly"};

bool creates(int code) {
  return code == SQLITE_CREATE_TABLE || code == SQLITE_CREATE_INDEX || code == SQLITE_CREATE_VIEW ||
         code == SQLITE_CREATE_TRIGGER || code == SQLITE_CREATE_VTABLE;
}

}  // namespace

bool is_cluster_object(const char* name) {
  return name != nullptr &&
         sqlite3_strnicmp(name, kClusterPrefix.data(), static_cast<int>(kClusterPrefix.size())) == 0;
}

Authorizer::Authorizer(sqlite3* database, Role role) : role_(role) {
  sqlite3_set_authorizer(database, &Authorizer::callback, this);
}

Authorizer::ClientScope::ClientScope(Authorizer& authorizer) : authorizer_(authorizer) {
  authorizer_.client_ = true;
  authorizer_.refusal_.clear();
  authorizer_.created_.clear();
  authorizer_.created_from_select_.clear();
}

int Authorizer::callback(void* self, int code, const char* first, const char* second, const char* database,
                         const char*) {
  auto& authorizer = *static_cast<Authorizer*>(self);
  return authorizer.client_ ? authorizer.decide({code, first, second, database}) : SQLITE_OK;
}

int Authorizer::refuse(std::string reason) {
  if (refusal_.empty()) refusal_ = std::move(reason);
  return SQLITE_DENY;
}

int Authorizer::refuse_temporary() {
  return refuse("Temporary objects are not allowed: they would exist on one connection of one node only.");
}

int Authorizer::decide(const Action& action) {
  switch (action.code) {
    case SQLITE_SELECT:
      if (!created_.empty()) created_from_select_ = created_;
      return SQLITE_OK;
    case SQLITE_RECURSIVE:
    case SQLITE_REINDEX: return SQLITE_OK;
    case SQLITE_READ: return decide_read(action);
    case SQLITE_FUNCTION:
      if (!contains(kForbiddenFunctions, action.second)) return SQLITE_OK;
      return refuse(std::string("The function ") + action.second + "() is not allowed.");
    case SQLITE_PRAGMA: return decide_pragma(action);
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return refuse(
          "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not allowed: a transaction is one request with its "
          "statements.");
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return refuse("ATTACH and DETACH are not allowed: they reach outside the replicated database.");
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW: return refuse_temporary();
    default: return decide_definition(action);
  }
}

int Authorizer::decide_read(const Action& action) {
  if (role_ == Role::reader) return SQLITE_OK;
  if (is_cluster_object(action.first)) {
    return refuse("_cluster_ tables differ between nodes, so a transaction cannot read them; a query can.");
  }
  if (contains(kNodeTables, action.first)) {
    return refuse(std::string("A transaction cannot read ") + action.first +
                  ": it differs between equal nodes.");
  }
  return SQLITE_OK;
}

// INSERT, UPDATE, DELETE, and everything that defines or drops an object. Indexes and triggers name their table second.
int Authorizer::decide_definition(const Action& action) {
  // SQLite leaves out of ANALYZE what is ignored here; the statistics would tell of this node's own table.
  if (action.code == SQLITE_ANALYZE) return is_cluster_object(action.first) ? SQLITE_IGNORE : SQLITE_OK;
  if (is_cluster_object(action.first) || is_cluster_object(action.second)) {
    return refuse("Objects named _cluster_... belong to the cluster; no statement may change them.");
  }
  // CREATE TABLE temp.x comes as the plain action on the database "temp".
  if (creates(action.code) && sqlite3_stricmp(action.database, "temp") == 0) return refuse_temporary();
  if (action.code == SQLITE_CREATE_VTABLE && !contains(kModules, action.second)) {
    return refuse(std::string("Virtual tables of the module ") + action.second + " are not allowed.");
  }
  if (action.code == SQLITE_CREATE_TABLE) created_ = action.first;
  return SQLITE_OK;
}

int Authorizer::decide_pragma(const Action& action) {
  // FTS5 and R-Tree look at these themselves, always with a database name. A client who names the database, too, only
  // gets to see a number.
  if (contains(kModulePragmas, action.first) && action.database != nullptr && action.second == nullptr) {
    return SQLITE_OK;
  }
  const bool known =
      contains(kPragmas, action.first) || (role_ == Role::reader && contains(kReaderPragmas, action.first));
  const bool sets = action.second != nullptr && !contains(kPragmasWithArgument, action.first);
  if (known && !sets) return SQLITE_OK;
  return refuse(std::string("PRAGMA ") + action.first +
                (sets && known ? " may be read, but not set." : " is not allowed."));
}

}  // namespace quorate
