// Copies of whole database files, for snapshots and their restoring.
#pragma once

#include <filesystem>
#include <vector>

#include "core/engine.hpp"

namespace quorate {

// Copies the database as of one committed position, which it returns, into a new durable file. Writers go on.
// Throws SQLite::Exception and std::filesystem::filesystem_error; errors: corrupt, io_error.
Result<Position> copy_database(const std::filesystem::path& source, const std::filesystem::path& target);

// Makes of a snapshot file a durable database at `target` that is checked and has `own`'s node_id and role (or keeps the
// snapshot's where there is no own meta). Where the file system can, both are one file: the snapshot changes with it, and
// stays a snapshot until the database is written to. Interrupted at any point, it can be done again. Errors: corrupt (no
// sound database, or one that belongs to no cluster), io_error. Throws as above.
Result<void> adopt_snapshot(const std::filesystem::path& source, const std::filesystem::path& target,
                            const std::optional<ClusterMeta>& own);

// Makes of any sound SQLite database one that has this meta and these outcomes, and else nothing of Quorate's own. Errors:
// corrupt, forbidden_sql (names that belong to the cluster), io_error. Throws as above.
Result<void> naturalize(const std::filesystem::path& file, const ClusterMeta& meta,
                        const std::vector<KeyedOutcome>& outcomes);

// Removes a database file with its -wal and -shm.
void remove_database(const std::filesystem::path& file);

// Renames, and makes the new name durable. Errors: io_error; the source is then still there.
Result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace quorate
