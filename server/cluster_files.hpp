// The files of an embedded cluster before its nodes start: opening them, checking whose they are, and bringing up nodes
// that have none yet. Blocks; used at start and when a node is opened again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/cluster_config.hpp"
#include "core/consensus/sqlite_log_store.hpp"
#include "core/engine.hpp"

namespace quorate {

struct NodeFiles {
  std::unique_ptr<StorageEngine> engine;
  std::unique_ptr<SqliteLogStore> log;
  std::optional<ClusterMeta> meta;  // none: the database has never belonged to a cluster
  StoredLog stored;
};

// Errors: io_error, corrupt, not_found (engine), quarantined (a marker file lies beside the database).
Result<NodeFiles> open_node_files(const ClusterConfig& config, const NodeConfig& node);

// identity_mismatch, saying which value differs, if the meta is not the one configured. No meta is no mismatch.
Result<void> check_identity(const NodeConfig& node, const std::optional<ClusterMeta>& meta,
                            const std::string& cluster_id);

// Makes the files ready to start: a new cluster gets its id, and the first node's existing content goes to all; a node
// of an existing cluster whose files are gone is rebuilt from the one with the latest log, if enough nodes are intact
// to be sure that nothing acknowledged is lost. Returns the cluster's id.
// Errors: identity_mismatch, io_error, corrupt. A node that cannot be opened is left to be tried again later, unless it
// is needed here.
Result<std::string> bring_up_files(const ClusterConfig& config);

// Beside the database; while it is there, the node does not start. To repair the node, delete its database, its log and
// the marker, and restart: it is rebuilt from the others.
void write_quarantine_marker(const NodeConfig& node, const std::string& reason);

}  // namespace quorate
