#include "engines/sqlite/meta_table.hpp"

namespace quorate {
namespace {

// The comments are for those who look at the schema.
constexpr const char* kCreate = R"(CREATE TABLE IF NOT EXISTS _cluster_meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),  -- there is one row
  cluster_id TEXT NOT NULL,
  node_id TEXT NOT NULL,                  -- whose copy of the data this is
  role TEXT NOT NULL,                     -- 'master' (the preferred leader) or 'backup'
  mode TEXT NOT NULL,                     -- 'quorum' or 'dual_write'
  applied_index INTEGER NOT NULL,         -- the last log entry that is in the data
  applied_term INTEGER NOT NULL,
  digest TEXT NOT NULL,                   -- chained over all changes: equal on equal nodes
  clock_us INTEGER NOT NULL,              -- the highest transaction clock so far, Unix time in microseconds
  membership TEXT NOT NULL                -- one line for each member: id, instance, flags, peer address
))";

}  // namespace

std::optional<ClusterMeta> load_meta(SQLite::Database& database) {
  if (!database.tableExists("_cluster_meta")) return std::nullopt;
  SQLite::Statement row(
      database,
      "SELECT cluster_id, node_id, role, mode, applied_index, applied_term, digest, clock_us, "
      "membership FROM _cluster_meta WHERE id = 1");
  if (!row.executeStep()) return std::nullopt;
  ClusterMeta meta;
  meta.cluster_id = row.getColumn(0).getString();
  meta.node_id = row.getColumn(1).getString();
  meta.role = row.getColumn(2).getString();
  meta.mode = parse_mode(row.getColumn(3).getString()).value_or(ConsistencyMode::quorum);
  meta.applied.index = static_cast<std::uint64_t>(row.getColumn(4).getInt64());
  meta.applied.term = static_cast<std::uint64_t>(row.getColumn(5).getInt64());
  meta.digest = parse_digest(row.getColumn(6).getString());
  meta.clock_us = row.getColumn(7).getInt64();
  meta.membership = parse_membership(row.getColumn(8).getString()).value_or(Membership{});
  return meta;
}

void store_meta(SQLite::Database& database, const ClusterMeta& meta) {
  database.exec("SAVEPOINT store_meta");
  database.exec(kCreate);
  SQLite::Statement insert(
      database,
      "INSERT OR REPLACE INTO _cluster_meta (id, cluster_id, node_id, role, mode, applied_index, "
      "applied_term, digest, clock_us, membership) VALUES (1, ?, ?, ?, ?, 0, 0, '', 0, ?)");
  insert.bind(1, meta.cluster_id);
  insert.bind(2, meta.node_id);
  insert.bind(3, meta.role);
  insert.bind(4, std::string(to_string(meta.mode)));
  insert.bind(5, to_text(meta.membership));
  insert.exec();
  MetaUpdate(database).run(meta);
  database.exec("RELEASE store_meta");
}

void store_membership(SQLite::Database& database, const Membership& membership) {
  SQLite::Statement update(database, "UPDATE _cluster_meta SET membership = ? WHERE id = 1");
  update.bind(1, to_text(membership));
  update.exec();
}

MetaUpdate::MetaUpdate(SQLite::Database& database)
    : statement_(
          database,
          "UPDATE _cluster_meta SET mode = ?, applied_index = ?, applied_term = ?, digest = ?, clock_us = ? "
          "WHERE id = 1") {}

void MetaUpdate::run(const ClusterMeta& meta) {
  statement_.bind(1, std::string(to_string(meta.mode)));
  statement_.bind(2, static_cast<std::int64_t>(meta.applied.index));
  statement_.bind(3, static_cast<std::int64_t>(meta.applied.term));
  statement_.bind(4, to_string(meta.digest));
  statement_.bind(5, meta.clock_us);
  statement_.exec();
  statement_.reset();
}

}  // namespace quorate
