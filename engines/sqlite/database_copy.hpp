// Copies of whole database files, for snapshots and their restoring.
#pragma once

#include <filesystem>

#include "core/engine.hpp"

namespace quorate {

// Copies the database as of one committed position, which it returns, into a new durable file. Writers go on.
// Throws SQLite::Exception and std::filesystem::filesystem_error; errors: corrupt, io_error.
Result<Position> copy_database(const std::filesystem::path& source, const std::filesystem::path& target);

// Makes, at `target`, a durable copy of a snapshot file that is checked and has `own`'s node_id and role (or keeps the
// snapshot's where there is no own meta). Errors: corrupt (no sound database, or one that belongs to no cluster),
// io_error. Throws as above. What is left at `target` after a failure is the caller's to remove.
Result<void> adopt_snapshot(const std::filesystem::path& source, const std::filesystem::path& target,
                            const std::optional<ClusterMeta>& own);

// Removes a database file with its -wal and -shm.
void remove_database(const std::filesystem::path& file);

// Renames, and makes the new name durable. Errors: io_error; the source is then still there.
Result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace quorate
