// The files of a node: opening them, checking whose they are, and beginning new ones. Blocks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/cluster_config.hpp"
#include "core/consensus/file_log_store.hpp"
#include "core/engine.hpp"
#include "core/snapshot_store.hpp"
#include "core/transport.hpp"

namespace quorate {

struct NodeFiles {
  std::unique_ptr<StorageEngine> engine;  // none: a witness
  std::unique_ptr<FileLogStore> log;
  std::unique_ptr<SnapshotStore> snapshots;
  std::optional<ClusterMeta> meta;  // none: the database has never belonged to a cluster
  LogIdentity log_identity;
  StoredLog stored;
  bool quarantined = false;  // its content is not trusted

  // It belongs to a cluster. Its log decides: a node whose log is gone does not remember what it promised.
  bool has_begun() const { return stored.has_begun(); }
  // Empty if it belongs to none.
  std::string cluster_id() const { return has_begun() ? log_identity.cluster_id : ""; }
};

// Errors: io_error, corrupt, not_found (engine).
Result<NodeFiles> open_node_files(const std::string& engine, const NodeConfig& node);

// identity_mismatch, saying which value differs, if meta or log are not those configured. None are no mismatch.
Result<void> check_identity(const NodeConfig& node, const NodeFiles& files, const std::string& cluster_id);

// Where an adopted content stands: at an index of its own, so that the log alone, from its start, is never taken for it.
inline constexpr Position kAdopted{.index = 1, .term = 1};

// Makes new files those of a member of this cluster: meta and log, durably. `base` is where its content stands. What the
// database holds of this cluster is replaced later; what it holds of no cluster must be none, unless base says otherwise.
Result<void> begin_node(const NodeConfig& node, NodeFiles& files, const Begin& cluster, Position base);

std::string new_cluster_id();
std::string role_of(const NodeConfig& node);

// Beside the database; while it is there, the node does not serve, but fetches its content anew from the others.
void write_quarantine_marker(const NodeConfig& node, const std::string& reason);
void remove_quarantine_marker(const NodeConfig& node);

// --- an embedded cluster, all of whose nodes' files are in reach of this process ---

// Makes the files ready to start: a new cluster gets its id, and the first node's existing content goes to all. A node
// without files, in a cluster that has begun, is left as it is: it joins once there is a leader. If the others cannot elect
// one without it, it is taken out first, provided that they meet every majority that may have acknowledged something.
// Returns the cluster's id. Errors: identity_mismatch, io_error, corrupt. A node that cannot be opened is left to be tried
// again later, unless it is needed here.
Result<std::string> bring_up_files(const ClusterConfig& config);

}  // namespace quorate
