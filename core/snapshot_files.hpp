// SnapshotStore in files beside a node's database: PATH.lent; PATH.incoming with PATH.incoming-info; PATH.replacement with
// PATH.replacement-snapshot, which is made of it; and PATH.snapshot, the complete one.
#pragma once

#include <memory>

#include "core/snapshot_store.hpp"

namespace quorate {

// `database` is the path that the names are made from.
std::unique_ptr<SnapshotStore> open_snapshot_files(const std::filesystem::path& database);

}  // namespace quorate
