#include "engines/sqlite/key_table.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>

namespace quorate {
namespace {

// The comments are for those who look at the schema.
constexpr const char* kCreate = R"(CREATE TABLE IF NOT EXISTS _cluster_keys (
  key TEXT PRIMARY KEY,         -- an Idempotency-Key
  expires_us INTEGER NOT NULL,  -- on the clock of the transactions, _cluster_meta.clock_us
  outcome BLOB NOT NULL         -- what whoever sends the key again is answered
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _cluster_keys_expiry ON _cluster_keys (expires_us))";

constexpr std::size_t kRemovedAtLeast = 16;

SQLite::Database& created(SQLite::Database& database) {
  database.exec(kCreate);
  return database;
}

}  // namespace

KeyTable::KeyTable(SQLite::Database& database)
    : find_(created(database), "SELECT outcome FROM _cluster_keys WHERE key = ? AND expires_us > ?"),
      keep_(database, "INSERT OR REPLACE INTO _cluster_keys (key, expires_us, outcome) VALUES (?, ?, ?)"),
      remove_(database,
              "DELETE FROM _cluster_keys WHERE key IN (SELECT key FROM _cluster_keys WHERE expires_us <= ? "
              "ORDER BY expires_us, key LIMIT ?)") {}

std::optional<std::string> KeyTable::find(const std::string& key, std::int64_t now_us) {
  find_.bindNoCopy(1, key);
  find_.bind(2, now_us);
  std::optional<std::string> outcome;
  if (find_.executeStep()) outcome = find_.getColumn(0).getString();
  find_.reset();
  return outcome;
}

void KeyTable::keep(const KeyedOutcome& outcome, std::int64_t now_us) {
  keep_.bindNoCopy(1, outcome.key);
  keep_.bind(2, now_us + outcome.keep_us);
  keep_.bindNoCopy(3, outcome.bytes.data(), static_cast<int>(outcome.bytes.size()));
  keep_.exec();
  keep_.reset();
}

void KeyTable::remove_expired(std::int64_t now_us, std::size_t added) {
  remove_.bind(1, now_us);
  remove_.bind(2, static_cast<std::int64_t>(2 * added + kRemovedAtLeast));
  remove_.exec();
  remove_.reset();
}

}  // namespace quorate
