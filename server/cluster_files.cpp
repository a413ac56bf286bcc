#include "server/cluster_files.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "engines/registry.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

fs::path quarantine_marker(const NodeConfig& node) {
  return node.database + ".quarantined";
}

// There while a new cluster is being laid out: what tells an interrupted beginning from nodes whose files are gone.
fs::path beginning_marker(const ClusterConfig& config) {
  return config.nodes.front().database + ".beginning";
}

// Creates an empty file, or removes it, so that a power cut does not undo it.
Result<void> set_marker(const fs::path& marker, bool present) {
  const auto failed = [&] {
    return fail(ErrorCode::io_error, "cannot write " + marker.string() + ": " + std::strerror(errno));
  };
  if (present) {
    const int file = ::open(marker.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) return failed();
    ::close(file);
  } else if (::unlink(marker.c_str()) != 0 && errno != ENOENT) {
    return failed();
  }
  const fs::path folder = marker.has_parent_path() ? marker.parent_path() : fs::path(".");
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed();
  const bool synced = ::fsync(directory) == 0;
  ::close(directory);
  if (!synced) return failed();
  return {};
}

std::string role_of(const NodeConfig& node) {
  return node.preferred_master ? "master" : "backup";
}

std::string new_cluster_id() {
  std::random_device random;
  const Digest id{(std::uint64_t{random()} << 32) | random(), (std::uint64_t{random()} << 32) | random()};
  return to_string(id);
}

bool has_begun(const NodeFiles& files) {
  return files.stored.last_index > 0 || files.stored.hard_state.term > 0;
}

Result<void> create_parent(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error)
    return fail(ErrorCode::io_error, "cannot create " + path.parent_path().string() + ": " + error.message());
  return {};
}

ClusterMeta meta_for(const ClusterConfig& config, const NodeConfig& node, const std::string& cluster_id) {
  return {.cluster_id = cluster_id, .node_id = node.id, .role = role_of(node), .mode = config.mode};
}

// Copies the source's content into the target's database, which keeps or gets its own identity.
Result<Position> copy_content(const ClusterConfig& config, const NodeConfig& from, StorageEngine& source,
                              const NodeConfig& to, StorageEngine& target, const std::string& cluster_id) {
  const fs::path file = to.database + ".incoming";
  std::error_code ignored;
  fs::remove(file, ignored);
  auto position = source.snapshot(file);
  if (!position) return position;
  if (auto done = target.write_meta(meta_for(config, to, cluster_id)); !done)
    return std::unexpected(done.error());
  auto restored = target.restore(file);
  fs::remove(file, ignored);
  if (!restored) return std::unexpected(restored.error());
  spdlog::info("node {} was brought up from node {} at index {}", to.id, from.id, position->index);
  return position;
}

using FilesById = std::map<std::string, NodeFiles>;

// Nothing has ever been decided: the first node's content becomes everybody's.
Result<void> begin_cluster(const ClusterConfig& config, FilesById& files, const std::string& cluster_id) {
  const NodeConfig& first = config.nodes.front();
  NodeFiles& source = files.at(first.id);
  auto empty = source.engine->is_empty();
  if (!empty) return std::unexpected(empty.error());
  for (const NodeConfig& node : config.nodes) {
    NodeFiles& target = files.at(node.id);
    if (node.id == first.id || target.meta) continue;
    auto clean = target.engine->is_empty();
    if (!clean) return std::unexpected(clean.error());
    if (*clean) continue;
    return fail(ErrorCode::identity_mismatch,
                "node " + node.id + " (" + node.database +
                    ") holds data, but belongs to no cluster. Only the first "
                    "node may bring content; give this one an empty or absent database.");
  }
  if (auto done = set_marker(beginning_marker(config), true); !done) return done;
  if (auto done = source.engine->write_meta(meta_for(config, first, cluster_id)); !done) return done;
  for (const NodeConfig& node : config.nodes) {
    if (node.id == first.id) continue;
    NodeFiles& target = files.at(node.id);
    if (*empty) {
      if (auto done = target.engine->write_meta(meta_for(config, node, cluster_id)); !done) return done;
    } else {
      auto copied = copy_content(config, first, *source.engine, node, *target.engine, cluster_id);
      if (!copied) return std::unexpected(copied.error());
    }
  }
  return set_marker(beginning_marker(config), false);
}

// Rebuilds a node whose files are gone: the content, and the log after it, of the node with the latest log. The new node
// votes only in terms after all that the intact ones know, so that it breaks no promise of its former self.
Result<void> rebuild(const ClusterConfig& config, const NodeConfig& node, FilesById& files,
                     const NodeConfig& from, Term highest_term, const std::string& cluster_id) {
  NodeFiles& source = files.at(from.id);
  NodeFiles& target = files.at(node.id);
  auto position = copy_content(config, from, *source.engine, node, *target.engine, cluster_id);
  if (!position) return std::unexpected(position.error());
  if (auto done = target.log->begin_at(*position, highest_term + 1); !done) return done;
  Index next = position->index + 1;
  while (next <= source.stored.last_index) {
    auto entries = source.log->read(next, source.stored.last_index, 8UL * 1024 * 1024);
    if (!entries) return std::unexpected(entries.error());
    next = entries->back().index + 1;
    if (auto done = target.log->write({.append = std::move(*entries)}); !done) return done;
  }
  return {};
}

Result<void> rebuild_missing(const ClusterConfig& config, FilesById& files, const std::string& cluster_id) {
  const NodeConfig* latest = nullptr;
  Term highest_term = 0;
  std::size_t intact = 0;
  const auto last = [&](const NodeConfig& node) {
    const StoredLog& stored = files.at(node.id).stored;
    const Term term = stored.term_starts.empty() ? stored.base.term : stored.term_starts.back().term;
    return std::pair(term, stored.last_index);
  };
  for (const NodeConfig& node : config.nodes) {
    const auto found = files.find(node.id);
    if (found == files.end() || !found->second.meta) continue;
    ++intact;
    highest_term = std::max(highest_term, found->second.stored.hard_state.term);
    if (latest == nullptr || last(node) > last(*latest)) latest = &node;
  }
  for (const NodeConfig& node : config.nodes) {
    const auto found = files.find(node.id);
    if (found == files.end() || found->second.meta) continue;
    auto empty = found->second.engine->is_empty();
    if (!empty) return std::unexpected(empty.error());
    if (!*empty) {
      return fail(ErrorCode::identity_mismatch, "node " + node.id + " (" + node.database +
                                                    ") holds data that does not belong to cluster " +
                                                    cluster_id + ".");
    }
    // Every majority that has acknowledged something must meet the intact nodes.
    if (latest == nullptr || 2 * intact < config.nodes.size()) {
      return fail(ErrorCode::corrupt,
                  "node " + node.id + " (" + node.database +
                      ") is empty, and too few nodes are intact to rebuild it without the risk of "
                      "losing acknowledged writes. Bring back the missing database and log files.");
    }
    if (auto done = rebuild(config, node, files, *latest, highest_term, cluster_id); !done) return done;
  }
  return {};
}

}  // namespace

Result<NodeFiles> open_node_files(const ClusterConfig& config, const NodeConfig& node) {
  if (fs::exists(quarantine_marker(node))) {
    return fail(ErrorCode::quarantined,
                "node " + node.id + " is quarantined, see " + quarantine_marker(node).string() +
                    ". To rebuild it, delete its database, its log and that file, and restart.");
  }
  if (config.engine != "memory") {
    if (auto created = create_parent(node.database); !created) return std::unexpected(created.error());
  }
  if (auto created = create_parent(node.log); !created) return std::unexpected(created.error());
  NodeFiles files;
  // The log first: its lock keeps a second process away from the database too.
  auto log = SqliteLogStore::open(node.log);
  if (!log) return std::unexpected(Error{log.error()});
  files.log = std::move(*log);
  auto stored = files.log->load();
  if (!stored) return std::unexpected(stored.error());
  files.stored = std::move(*stored);
  auto engine = open_engine(config.engine, {.uri = node.database});
  if (!engine) return std::unexpected(engine.error());
  files.engine = std::move(*engine);
  auto meta = files.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  files.meta = std::move(*meta);
  return files;
}

Result<void> check_identity(const NodeConfig& node, const std::optional<ClusterMeta>& meta,
                            const std::string& cluster_id) {
  if (!meta) return {};
  const auto differs = [&](const std::string& what, const std::string& stored,
                           const std::string& configured) {
    return fail(ErrorCode::identity_mismatch, "node " + node.id + " (" + node.database +
                                                  ") refuses to start: its " + what + " is " + stored +
                                                  ", the configuration says " + configured + ".");
  };
  if (meta->cluster_id != cluster_id) return differs("cluster id", meta->cluster_id, cluster_id);
  if (meta->node_id != node.id) return differs("node id", meta->node_id, node.id);
  if (meta->role != role_of(node)) return differs("role", meta->role, role_of(node));
  return {};
}

Result<std::string> bring_up_files(const ClusterConfig& config) {
  FilesById files;
  std::string cluster_id = config.cluster_id;
  bool begun = false;
  bool any_meta = false;
  bool all_open = true;
  for (const NodeConfig& node : config.nodes) {
    auto opened = open_node_files(config, node);
    if (!opened) {
      all_open = false;
      if (opened.error().code == ErrorCode::not_found || node.id == config.nodes.front().id) {
        if (config.nodes.size() < 3 || opened.error().code == ErrorCode::not_found)
          return std::unexpected(opened.error());
      }
      continue;
    }
    if (opened->meta && cluster_id.empty()) cluster_id = opened->meta->cluster_id;
    if (auto checked = check_identity(node, opened->meta, cluster_id); !checked) {
      return std::unexpected(checked.error());
    }
    begun = begun || has_begun(*opened);
    any_meta = any_meta || opened->meta;
    files.emplace(node.id, std::move(*opened));
  }
  const bool interrupted = fs::exists(beginning_marker(config)) && !begun;
  if (any_meta && !interrupted) {
    if (auto done = rebuild_missing(config, files, cluster_id); !done) return std::unexpected(done.error());
    return cluster_id;
  }
  if (!all_open) {
    for (const NodeConfig& node : config.nodes) {
      if (files.contains(node.id)) continue;
      auto opened = open_node_files(config, node);
      if (!opened) return std::unexpected(opened.error());
    }
    return fail(ErrorCode::io_error, "a new cluster needs all of its nodes to begin");
  }
  if (cluster_id.empty()) cluster_id = new_cluster_id();
  if (auto done = begin_cluster(config, files, cluster_id); !done) return std::unexpected(done.error());
  return cluster_id;
}

void write_quarantine_marker(const NodeConfig& node, const std::string& reason) {
  std::ofstream marker(quarantine_marker(node));
  marker << reason << '\n';
}

}  // namespace quorate
