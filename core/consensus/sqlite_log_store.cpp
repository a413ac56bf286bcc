#include "core/consensus/sqlite_log_store.hpp"

#include <sqlite3.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace quorate {
namespace {

constexpr const char* kSchema = R"(
  PRAGMA locking_mode = EXCLUSIVE;  -- a second process that opens the same log is refused
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (
    idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL, checksum INTEGER NOT NULL,
    payload BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS memberships ON entries (idx) WHERE kind = 4;
  INSERT OR IGNORE INTO meta VALUES ('instance', lower(hex(randomblob(8))));
  COMMIT;
)";

std::int64_t checksum_of(const Entry& entry) {
  const std::array<std::uint64_t, 3> head{entry.index, entry.term, static_cast<std::uint64_t>(entry.kind)};
  const XXH64_hash_t seed = XXH3_64bits(head.data(), sizeof(head));
  return static_cast<std::int64_t>(XXH3_64bits_withSeed(entry.payload->data(), entry.payload->size(), seed));
}

// Removed with each write, besides twice as many as it adds.
constexpr std::size_t kRemovedPerWrite = 16;

Membership membership_of(const std::string& text) {
  auto membership = parse_membership(text);
  if (!membership) throw std::runtime_error(membership.error().message);
  return std::move(*membership);
}

SQLite::Database open_database(const std::filesystem::path& path) {
  SQLite::Database database(path.string(),
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, 1000);
  database.exec(kSchema);
  return database;
}

// Runs `action`, which speaks SQLiteCpp, and turns what it throws into an Error.
template <typename Action>
auto guarded(const char* what, Action action) -> Result<decltype(action())> {
  try {
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      return {};
    } else {
      return action();
    }
  } catch (const SQLite::Exception& failure) {
    const int code = failure.getErrorCode();
    const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
      return fail(ErrorCode::io_error, std::string(what) + ": another process uses it");
    }
    const ErrorCode kind = code == SQLITE_FULL ? ErrorCode::disk_full
                           : damaged           ? ErrorCode::corrupt
                                               : ErrorCode::io_error;
    return fail(kind, std::string(what) + ": " + failure.what());
  } catch (const std::runtime_error& failure) {
    return fail(ErrorCode::corrupt, std::string(what) + ": " + failure.what());
  }
}

}  // namespace

SqliteLogStore::SqliteLogStore(const std::filesystem::path& path)
    : database_(open_database(path)),
      insert_(database_, "INSERT INTO entries (idx, term, kind, checksum, payload) VALUES (?, ?, ?, ?, ?)"),
      truncate_(database_, "DELETE FROM entries WHERE idx >= ?"),
      compact_(database_, "DELETE FROM entries WHERE idx <= ?"),
      select_(
          database_,
          "SELECT idx, term, kind, checksum, payload FROM entries WHERE idx BETWEEN ? AND ? ORDER BY idx"),
      put_meta_(database_, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"),
      get_meta_(database_, "SELECT value FROM meta WHERE key = ?"),
      begin_(database_, "BEGIN IMMEDIATE"),
      commit_(database_, "COMMIT") {}

Result<std::unique_ptr<SqliteLogStore>> SqliteLogStore::open(const std::filesystem::path& path) {
  return guarded("the log cannot be opened",
                 [&] { return std::unique_ptr<SqliteLogStore>(new SqliteLogStore(path)); });
}

Result<StoredLog> SqliteLogStore::load() {
  return guarded("the log cannot be read", [&] {
    const auto number = [this](const char* key) {
      const std::string text = get_meta(key);
      return text.empty() ? 0 : std::stoull(text);
    };
    StoredLog stored;
    stored.instance = std::stoull(get_meta("instance"), nullptr, 16);
    stored.hard_state = {.term = number("term"), .voted_for = get_meta("voted_for")};
    stored.base = {.index = number("base_index"), .term = number("base_term")};
    stored.membership = membership_of(get_meta("base_membership"));
    stored.last_index = stored.base.index;
    SQLite::Statement runs(
        database_,
        "SELECT min(idx), max(idx), count(*), term FROM entries WHERE idx > ? GROUP BY term ORDER BY term");
    runs.bind(1, static_cast<std::int64_t>(stored.base.index));
    while (runs.executeStep()) {
      const auto first = static_cast<Index>(runs.getColumn(0).getInt64());
      const auto last = static_cast<Index>(runs.getColumn(1).getInt64());
      const auto count = static_cast<Index>(runs.getColumn(2).getInt64());
      if (first != stored.last_index + 1 || last - first + 1 != count) {
        throw std::runtime_error("entries are missing after " + std::to_string(stored.last_index));
      }
      stored.term_starts.push_back({.index = first, .term = static_cast<Term>(runs.getColumn(3).getInt64())});
      stored.last_index = last;
    }
    SQLite::Statement changes(database_, "SELECT idx FROM entries WHERE kind = 4 AND idx > ? ORDER BY idx");
    changes.bind(1, static_cast<std::int64_t>(stored.base.index));
    while (changes.executeStep()) {
      const auto index = static_cast<Index>(changes.getColumn(0).getInt64());
      stored.memberships.emplace_back(index, membership_of(*read_one(index).payload));
    }
    base_ = stored.base;
    base_membership_ = stored.membership;
    const SQLite::Column first = database_.execAndGet("SELECT min(idx) FROM entries");
    first_stored_ = first.isNull() ? stored.last_index + 1 : static_cast<Index>(first.getInt64());
    return stored;
  });
}

Result<void> SqliteLogStore::write(const LogWrite& change) {
  if (failed_) return fail(ErrorCode::io_error, "an earlier write to the log failed");
  auto result = guarded("the log cannot be written", [&] {
    begin_.exec();
    begin_.reset();
    if (change.hard_state) {
      put_meta("term", std::to_string(change.hard_state->term));
      put_meta("voted_for", change.hard_state->voted_for);
    }
    if (change.truncate_from) {
      truncate_.bind(1, static_cast<std::int64_t>(*change.truncate_from));
      truncate_.exec();
      truncate_.reset();
    }
    for (const Entry& entry : change.append) {
      insert_.bind(1, static_cast<std::int64_t>(entry.index));
      insert_.bind(2, static_cast<std::int64_t>(entry.term));
      insert_.bind(3, static_cast<int>(entry.kind));
      insert_.bind(4, checksum_of(entry));
      insert_.bindNoCopy(5, entry.payload->data(), static_cast<int>(entry.payload->size()));
      insert_.exec();
      insert_.reset();
    }
    remove_some(kRemovedPerWrite + 2 * change.append.size());
    commit_.exec();
    commit_.reset();
  });
  if (!result) {
    failed_ = true;
    return result;
  }
  while (change.truncate_from && !cache_.empty() && cache_.back().index >= *change.truncate_from) {
    cache_bytes_ -= cache_.back().bytes();
    cache_.pop_back();
  }
  for (const Entry& entry : change.append) remember(entry);
  return result;
}

Result<std::vector<Entry>> SqliteLogStore::read(Index first, Index last, std::size_t max_bytes) {
  return guarded("the log cannot be read", [&] {
    std::vector<Entry> entries;
    std::size_t bytes = 0;
    const auto take = [&](Entry entry) {
      bytes += entry.bytes();
      if (!entries.empty() && bytes > max_bytes) return false;
      entries.push_back(std::move(entry));
      return true;
    };
    if (!cache_.empty() && first >= cache_.front().index) {
      for (Index index = first; index <= last; ++index) {
        if (!take(cache_.at(index - cache_.front().index))) break;
      }
      return entries;
    }
    select_.bind(1, static_cast<std::int64_t>(first));
    select_.bind(2, static_cast<std::int64_t>(last));
    bool more = true;
    while (more && select_.executeStep()) {
      Entry entry = entry_of(select_);
      if (entry.index != first + entries.size()) break;
      more = take(std::move(entry));
    }
    select_.reset();
    if (entries.empty()) throw std::runtime_error("entry " + std::to_string(first) + " is missing");
    return entries;
  });
}

Result<void> SqliteLogStore::compact(Position base, const Membership& membership) {
  base_ = base;
  base_membership_ = membership;
  base_is_stored_ = false;
  while (!cache_.empty() && cache_.front().index <= base.index) {
    cache_bytes_ -= cache_.front().bytes();
    cache_.pop_front();
  }
  return {};
}

// A large deletion at once would hold up the writes behind it.
void SqliteLogStore::remove_some(std::size_t count) {
  if (!base_is_stored_) put_base();
  if (first_stored_ > base_.index) return;
  const Index last = std::min(base_.index, first_stored_ + count - 1);
  compact_.bind(1, static_cast<std::int64_t>(last));
  compact_.exec();
  compact_.reset();
  first_stored_ = last + 1;
}

void SqliteLogStore::put_base() {
  put_meta("base_index", std::to_string(base_.index));
  put_meta("base_term", std::to_string(base_.term));
  put_meta("base_membership", to_text(base_membership_));
  base_is_stored_ = true;
}

Result<void> SqliteLogStore::install(Position base, const Membership& membership) {
  return guarded("the log cannot begin at the snapshot", [&] {
    if (base.index < base_.index) throw std::runtime_error("the snapshot is older than what the log holds");
    SQLite::Transaction transaction(database_);
    if (!holds(base)) database_.exec("DELETE FROM entries");
    cache_.clear();
    cache_bytes_ = 0;
    base_ = base;
    base_membership_ = membership;
    put_base();
    const std::string term = get_meta("term");
    if (base.term > (term.empty() ? 0 : std::stoull(term))) {
      put_meta("term", std::to_string(base.term));
      put_meta("voted_for", "");
    }
    transaction.commit();
  });
}

Result<SqliteLogStore::Identity> SqliteLogStore::identity() {
  return guarded("the log cannot be read",
                 [&] { return Identity{.cluster_id = get_meta("cluster_id"), .node = get_meta("node")}; });
}

Result<void> SqliteLogStore::set_identity(const Identity& identity) {
  return guarded("the log cannot be written", [&] {
    SQLite::Transaction transaction(database_);
    put_meta("cluster_id", identity.cluster_id);
    put_meta("node", identity.node);
    transaction.commit();
  });
}

bool SqliteLogStore::holds(Position position) {
  SQLite::Statement entry(database_, "SELECT 1 FROM entries WHERE idx = ? AND term = ?");
  entry.bind(1, static_cast<std::int64_t>(position.index));
  entry.bind(2, static_cast<std::int64_t>(position.term));
  return position == base_ || entry.executeStep();
}

std::uint64_t SqliteLogStore::bytes() {
  const auto number = [this](const char* pragma) {
    return static_cast<std::uint64_t>(database_.execAndGet(pragma).getInt64());
  };
  const auto result = guarded("the log cannot be measured", [&] {
    return (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size");
  });
  return result.value_or(0);
}

void SqliteLogStore::remember(const Entry& entry) {
  cache_.push_back(entry);
  cache_bytes_ += entry.bytes();
  while (cache_bytes_ > kCacheBytes && cache_.size() > 1) {
    cache_bytes_ -= cache_.front().bytes();
    cache_.pop_front();
  }
}

void SqliteLogStore::put_meta(const char* key, const std::string& value) {
  put_meta_.bind(1, key);
  put_meta_.bind(2, value);
  put_meta_.exec();
  put_meta_.reset();
}

std::string SqliteLogStore::get_meta(const char* key) {
  get_meta_.bind(1, key);
  std::string value = get_meta_.executeStep() ? get_meta_.getColumn(0).getString() : "";
  get_meta_.reset();
  return value;
}

Entry SqliteLogStore::read_one(Index index) {
  select_.bind(1, static_cast<std::int64_t>(index));
  select_.bind(2, static_cast<std::int64_t>(index));
  if (!select_.executeStep()) throw std::runtime_error("entry " + std::to_string(index) + " is missing");
  Entry entry = entry_of(select_);
  select_.reset();
  return entry;
}

Entry SqliteLogStore::entry_of(SQLite::Statement& row) {
  const SQLite::Column payload = row.getColumn(4);
  Entry entry{.index = static_cast<Index>(row.getColumn(0).getInt64()),
              .term = static_cast<Term>(row.getColumn(1).getInt64()),
              .kind = static_cast<EntryKind>(row.getColumn(2).getInt()),
              .payload = std::make_shared<const std::string>(static_cast<const char*>(payload.getBlob()),
                                                             static_cast<std::size_t>(payload.getBytes()))};
  if (checksum_of(entry) != row.getColumn(3).getInt64()) {
    throw std::runtime_error("the checksum of entry " + std::to_string(entry.index) + " does not match");
  }
  return entry;
}

}  // namespace quorate
