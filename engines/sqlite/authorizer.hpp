// Decides what a client's SQL may do on a connection (SQLite calls it while it compiles a statement).
//
// On every connection it refuses ATTACH, DETACH, transaction control, temporary objects, functions that reach outside
// the database, and PRAGMAs outside a short list. On a writer it further refuses what would break replication: to
// change _cluster_ tables or to read them, and whatever else differs between nodes that are equal.
#pragma once

#include <string>

struct sqlite3;

namespace quorate {

class Authorizer {
 public:
  enum class Role { writer, reader };

  // Installs itself on the connection. Stays there until the connection is closed.
  Authorizer(sqlite3* database, Role role);
  Authorizer(const Authorizer&) = delete;
  Authorizer& operator=(const Authorizer&) = delete;

  // While it lives, the connection compiles and runs a client's statement; otherwise Quorate's own, which may do all.
  class ClientScope {
   public:
    explicit ClientScope(Authorizer& authorizer);
    ~ClientScope() { authorizer_.client_ = false; }
    ClientScope(const ClientScope&) = delete;
    ClientScope& operator=(const ClientScope&) = delete;

   private:
    Authorizer& authorizer_;
  };

  // Why the last client's statement was refused; empty if it was not.
  const std::string& refusal() const { return refusal_; }

  // The table that the last statement compiled creates from a SELECT (CREATE TABLE ... AS); empty if none.
  const std::string& table_created_from_select() const { return created_from_select_; }

 private:
  struct Action {
    int code;
    const char* first;
    const char* second;
    const char* database;
  };

  static int callback(void* self, int code, const char* first, const char* second, const char* database,
                      const char* trigger);
  int decide(const Action& action);
  int decide_read(const Action& action);
  int decide_definition(const Action& action);
  int decide_pragma(const Action& action);
  int refuse(std::string reason);
  int refuse_temporary();

  Role role_;
  bool client_ = false;
  std::string refusal_;
  std::string created_;
  std::string created_from_select_;
};

// True of the names that belong to Quorate itself: _cluster_..., in any case.
bool is_cluster_object(const char* name);

}  // namespace quorate
