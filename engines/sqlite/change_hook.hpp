// Feeds every row that a client's statement changes to a digest, by SQLite's pre-update hook: the table's name, the
// operation, the row's id, its old and its new values. Tables that belong to Quorate are left out. SQLite tells of
// every change to a real table, also of those by triggers, foreign key actions, REPLACE and virtual tables' own tables;
// it does not tell of rows that CREATE TABLE ... AS stores (the writer feeds those) nor of ALTER TABLE, whose effect the
// schema text determines.
#pragma once

#include "engines/common/change_digest.hpp"

struct sqlite3;
struct sqlite3_value;

namespace quorate {

class ChangeHook {
 public:
  // Installs itself on the connection; stays there until the connection is closed.
  explicit ChangeHook(sqlite3* database);
  ChangeHook(const ChangeHook&) = delete;
  ChangeHook& operator=(const ChangeHook&) = delete;

  // Feeds `digest` from now on, or nothing if null.
  void feed(ChangeDigest* digest) { digest_ = digest; }

  // Whether the last row id there is, or sqlite_sequence, has been written since this was last reset: after that SQLite
  // may report a full disk where only a table's row ids are spent.
  bool may_spend_row_ids() const { return may_spend_row_ids_; }
  void reset_row_ids() { may_spend_row_ids_ = false; }

 private:
  static void callback(void* self, sqlite3* database, int operation, const char* schema, const char* table,
                       long long old_id, long long new_id);

  ChangeDigest* digest_ = nullptr;
  bool may_spend_row_ids_ = false;
};

// Feeds one value with its type.
void feed_value(ChangeDigest& digest, sqlite3_value* value);

}  // namespace quorate
