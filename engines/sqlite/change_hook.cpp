#include "engines/sqlite/change_hook.hpp"

#include <sqlite3.h>

#include <limits>
#include <string_view>

#include "engines/sqlite/authorizer.hpp"

namespace quorate {

void feed_value(ChangeDigest& digest, sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: digest.add_integer(sqlite3_value_int64(value)); break;
    case SQLITE_FLOAT: digest.add_real(sqlite3_value_double(value)); break;
    case SQLITE_TEXT: {
      // The text first, then its size: the order that SQLite documents as safe.
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      digest.add_text({text, static_cast<std::size_t>(sqlite3_value_bytes(value))});
      break;
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
      digest.add_blob({bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))});
      break;
    }
    default: digest.add_null();
  }
}

ChangeHook::ChangeHook(sqlite3* database) {
  sqlite3_preupdate_hook(database, &ChangeHook::callback, this);
}

void ChangeHook::callback(void* self, sqlite3* database, int operation, const char*, const char* table,
                          long long old_id, long long new_id) {
  ChangeHook& hook = *static_cast<ChangeHook*>(self);
  ChangeDigest* const digest = hook.digest_;
  if (digest == nullptr || is_cluster_object(table)) return;
  if (new_id == std::numeric_limits<long long>::max() || std::string_view(table) == "sqlite_sequence") {
    hook.may_spend_row_ids_ = true;
  }
  digest->add_tag(operation == SQLITE_INSERT ? '+' : (operation == SQLITE_DELETE ? '-' : '~'));
  digest->add_text(table);
  // Of a WITHOUT ROWID table both are 0; its primary key is among the values.
  digest->add_integer(old_id);
  digest->add_integer(new_id);
  const int columns = sqlite3_preupdate_count(database);
  digest->add_integer(columns);
  for (int i = 0; i < columns; ++i) {
    sqlite3_value* value = nullptr;
    if (operation != SQLITE_INSERT && sqlite3_preupdate_old(database, i, &value) == SQLITE_OK) {
      feed_value(*digest, value);
    }
    if (operation != SQLITE_DELETE && sqlite3_preupdate_new(database, i, &value) == SQLITE_OK) {
      feed_value(*digest, value);
    }
  }
}

}  // namespace quorate
