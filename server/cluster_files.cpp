#include "server/cluster_files.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/file.hpp"
#include "core/random_number.hpp"
#include "core/snapshot_files.hpp"
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
    if (!File(marker, O_CREAT | O_WRONLY).is_open()) return failed();
  } else if (::unlink(marker.c_str()) != 0 && errno != ENOENT) {
    return failed();
  }
  if (!File(folder_of(marker), O_RDONLY | O_DIRECTORY).sync()) return failed();
  return {};
}

Result<void> create_parent(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error)
    return fail(ErrorCode::io_error, "cannot create " + path.parent_path().string() + ": " + error.message());
  return {};
}

// What is damaged may have been acknowledged, so nothing is thrown away without being asked for.
Error with_remedy(Error error) {
  if (error.code == ErrorCode::corrupt) {
    error.message +=
        ". If a majority of the nodes is intact, move this node's database and log away: "
        "it joins again, and fetches everything from the others.";
  }
  return error;
}

}  // namespace

std::string role_of(const NodeConfig& node) {
  return node.preferred_master ? "master" : "backup";
}

std::string new_cluster_id() {
  return to_string(Digest{random_number(), random_number()});
}

Result<NodeFiles> open_node_files(const std::string& engine_name, const NodeConfig& node) {
  NodeFiles files;
  if (auto created = create_parent(node.log); !created) return std::unexpected(created.error());
  // The log first: its lock keeps a second process away from the database too.
  auto log = FileLogStore::open(node.log);
  if (!log) return std::unexpected(with_remedy(log.error()));
  files.log = std::move(*log);
  auto stored = files.log->load();
  if (!stored) return std::unexpected(with_remedy(stored.error()));
  files.stored = std::move(*stored);
  files.log_identity = files.log->identity();
  if (node.witness) return files;

  if (engine_name != "memory") {
    if (auto created = create_parent(node.database); !created) return std::unexpected(created.error());
  }
  files.quarantined = fs::exists(quarantine_marker(node));
  files.snapshots = open_snapshot_files(node.log);
  auto engine = open_engine(engine_name, {.uri = node.database});
  if (!engine) return std::unexpected(engine.error());
  files.engine = std::move(*engine);
  auto meta = files.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  files.meta = std::move(*meta);
  return files;
}

Result<void> check_identity(const NodeConfig& node, const NodeFiles& files, const std::string& cluster_id) {
  const auto check = [&](const std::string& what, const std::string& stored,
                         const std::string& configured) -> Result<void> {
    if (stored.empty() || configured.empty() || stored == configured) return {};
    const std::string& path = node.witness ? node.log : node.database;
    return fail(ErrorCode::identity_mismatch, "node " + node.id + " (" + path + ") refuses to start: its " +
                                                  what + " is " + stored + ", the configuration says " +
                                                  configured + ".");
  };
  const std::string log_cluster = files.cluster_id();
  const std::string& wanted = cluster_id.empty() ? log_cluster : cluster_id;
  if (files.meta) {
    if (auto same = check("cluster id", files.meta->cluster_id, wanted); !same) return same;
    if (auto same = check("node id", files.meta->node_id, node.id); !same) return same;
    if (auto same = check("role", files.meta->role, role_of(node)); !same) return same;
  }
  if (auto same = check("log's cluster id", log_cluster, wanted); !same) return same;
  return check("log's node id", files.log_identity.node, node.id);
}

Result<void> begin_node(const NodeConfig& node, NodeFiles& files, const Begin& cluster, Position base) {
  if (files.engine != nullptr) {
    auto empty = files.engine->is_empty();
    if (!empty) return std::unexpected(empty.error());
    if (!*empty && !files.meta && base.index == 0) {
      return fail(ErrorCode::identity_mismatch, "node " + node.id + " (" + node.database +
                                                    ") holds data that does not belong to cluster " +
                                                    cluster.cluster_id + ".");
    }
    ClusterMeta meta = files.meta.value_or(ClusterMeta{});
    meta.cluster_id = cluster.cluster_id;
    meta.node_id = node.id;
    meta.role = role_of(node);
    if (!files.meta) meta.mode = cluster.mode;
    if (!files.meta) meta.applied = base;
    meta.membership = cluster.membership;
    if (auto done = files.engine->write_meta(meta); !done) return done;
  }
  if (auto done = files.log->set_identity({.cluster_id = cluster.cluster_id, .node = node.id}); !done)
    return done;
  return files.log->install(base, cluster.membership);
}

void write_quarantine_marker(const NodeConfig& node, const std::string& reason) {
  std::ofstream marker(quarantine_marker(node));
  marker << reason << '\n';
}

void remove_quarantine_marker(const NodeConfig& node) {
  std::error_code ignored;
  fs::remove(quarantine_marker(node), ignored);
}

namespace {

using FilesById = std::map<std::string, NodeFiles>;

Membership membership_of(const ClusterConfig& config, const FilesById& files) {
  Membership membership;
  for (const NodeConfig& node : config.nodes) {
    membership.put(
        {.id = node.id, .instance = files.at(node.id).stored.instance, .preferred = node.preferred_master});
  }
  return membership;
}

// Copies the source's content into the target's database, which gets its own identity.
Result<void> copy_content(const NodeConfig& from, StorageEngine& source, const NodeConfig& to,
                          StorageEngine& target, ClusterMeta meta) {
  const fs::path file = to.database + ".copy";
  std::error_code ignored;
  fs::remove(file, ignored);
  if (auto position = source.snapshot(file); !position) return std::unexpected(position.error());
  meta.node_id = to.id;
  meta.role = role_of(to);
  if (auto done = target.write_meta(meta); !done) return done;
  auto restored = target.restore(file);
  fs::remove(file, ignored);
  if (restored) spdlog::info("node {} was brought up from node {}", to.id, from.id);
  return restored;
}

Result<void> check_only_first_has_content(const ClusterConfig& config, FilesById& files) {
  for (const NodeConfig& node : config.nodes) {
    const NodeFiles& target = files.at(node.id);
    if (node.id == config.nodes.front().id || target.meta) continue;
    auto clean = target.engine->is_empty();
    if (!clean) return std::unexpected(clean.error());
    if (*clean) continue;
    return fail(ErrorCode::identity_mismatch,
                "node " + node.id + " (" + node.database +
                    ") holds data, but belongs to no cluster. Only the first "
                    "node may bring content; give this one an empty or absent database.");
  }
  return {};
}

// Nothing has ever been decided: the first node's content becomes everybody's.
Result<void> begin_cluster(const ClusterConfig& config, FilesById& files, const std::string& cluster_id) {
  const NodeConfig& first = config.nodes.front();
  StorageEngine& source = *files.at(first.id).engine;
  if (auto checked = check_only_first_has_content(config, files); !checked) return checked;
  auto empty = source.is_empty();
  if (!empty) return std::unexpected(empty.error());
  const Begin cluster{
      .cluster_id = cluster_id, .mode = config.mode, .membership = membership_of(config, files)};
  const Position base = *empty ? Position{} : kAdopted;
  if (auto done = set_marker(beginning_marker(config), true); !done) return done;
  if (!*empty) {
    ClusterMeta meta{.cluster_id = cluster_id,
                     .node_id = first.id,
                     .role = role_of(first),
                     .mode = config.mode,
                     .applied = base,
                     .membership = cluster.membership};
    if (auto done = source.write_meta(meta); !done) return done;
    for (const NodeConfig& node : config.nodes) {
      if (node.id == first.id) continue;
      if (auto done = copy_content(first, source, node, *files.at(node.id).engine, meta); !done) return done;
    }
  }
  for (const NodeConfig& node : config.nodes) {
    NodeFiles& each = files.at(node.id);
    if (!*empty) each.meta = each.engine->read_meta().value_or(std::nullopt);
    if (auto done = begin_node(node, each, cluster, base); !done) return done;
  }
  return set_marker(beginning_marker(config), false);
}

Position last_of(const StoredLog& stored) {
  return {.index = stored.last_index,
          .term = stored.term_starts.empty() ? stored.base.term : stored.term_starts.back().term};
}

const Membership& latest_membership(const StoredLog& stored) {
  return stored.memberships.empty() ? stored.membership : stored.memberships.back().second;
}

// Voters whose files are gone, and nobody could be elected without them: whoever has the latest log takes them out, as a
// leader would. Only here is it certain that they are gone for good: their place is in reach, and it is empty.
Result<void> take_out_lost(const ClusterConfig& config, FilesById& files) {
  NodeFiles* latest = nullptr;
  std::size_t intact = 0;
  Term highest_term = 0;
  for (auto& [id, each] : files) {
    if (!each.has_begun()) continue;
    ++intact;
    highest_term = std::max(highest_term, each.stored.hard_state.term);
    const auto rank = [](const NodeFiles& one) {
      const Position last = last_of(one.stored);
      return std::pair(last.term, last.index);
    };
    if (latest == nullptr || rank(each) > rank(*latest)) latest = &each;
  }
  if (latest == nullptr) return {};
  const Membership& before = latest_membership(latest->stored);
  Membership after = before;
  std::size_t present = 0;
  for (const Member& member : before.members) {
    const auto found = files.find(member.id);
    const bool lost = found != files.end() && !found->second.has_begun();
    const bool there =
        found != files.end() && found->second.has_begun() && found->second.stored.instance == member.instance;
    if (lost) after.remove(member.id);
    if (there && member.voter) ++present;
  }
  if (present >= before.majority() || after == before) return {};
  // Every majority that has acknowledged something must meet those that are there.
  if (2 * present < before.voters()) {
    return fail(
        ErrorCode::corrupt,
        "of " + std::to_string(config.nodes.size()) + " nodes only " + std::to_string(intact) +
            " still have their files: too few to go on without the risk of losing acknowledged writes. Bring "
            "back the missing database and log files.");
  }
  const Term term = highest_term + 1;
  spdlog::warn(
      "too few nodes have their files to elect a leader: those without are taken out, and join again");
  return latest->log->write({.hard_state = HardState{.term = term, .voted_for = {}},
                             .append = {{.index = latest->stored.last_index + 1,
                                         .term = term,
                                         .kind = EntryKind::membership,
                                         .payload = std::make_shared<const std::string>(to_text(after))}}});
}

// A database that belongs to nobody must not be lost to a node that joins with it.
Result<void> check_lost(const ClusterConfig& config, FilesById& files, const std::string& cluster_id) {
  for (const NodeConfig& node : config.nodes) {
    const auto found = files.find(node.id);
    if (found == files.end() || found->second.has_begun() || found->second.meta) continue;
    auto empty = found->second.engine->is_empty();
    if (!empty) return std::unexpected(empty.error());
    if (*empty) continue;
    return fail(ErrorCode::identity_mismatch, "node " + node.id + " (" + node.database +
                                                  ") holds data that does not belong to cluster " +
                                                  cluster_id + ".");
  }
  return {};
}

}  // namespace

Result<std::string> bring_up_files(const ClusterConfig& config) {
  FilesById files;
  std::string cluster_id = config.cluster_id;
  bool begun = false;
  bool any_meta = false;
  Error last_error;
  for (const NodeConfig& node : config.nodes) {
    auto opened = open_node_files(config.engine, node);
    if (!opened) {
      last_error = opened.error();
      const bool is_first = node.id == config.nodes.front().id;
      if (last_error.code == ErrorCode::not_found || (is_first && config.nodes.size() < 3))
        return std::unexpected(last_error);
      continue;
    }
    if (opened->meta && cluster_id.empty()) cluster_id = opened->meta->cluster_id;
    if (auto checked = check_identity(node, *opened, cluster_id); !checked) {
      return std::unexpected(checked.error());
    }
    begun = begun || opened->stored.hard_state.term > 0 || opened->stored.last_index > kAdopted.index;
    any_meta = any_meta || opened->meta || opened->has_begun();
    files.emplace(node.id, std::move(*opened));
  }
  const bool interrupted = fs::exists(beginning_marker(config)) && !begun;
  if (any_meta && !interrupted) {
    if (std::ranges::none_of(files, [](const auto& each) { return each.second.has_begun(); })) {
      return fail(ErrorCode::corrupt,
                  "none of the nodes has its log. Bring back the missing log files, or give the nodes new "
                  "databases.");
    }
    if (auto done = check_lost(config, files, cluster_id); !done) return std::unexpected(done.error());
    if (auto done = take_out_lost(config, files); !done) return std::unexpected(done.error());
    return cluster_id;
  }
  if (files.size() < config.nodes.size())
    return std::unexpected(last_error);  // a new cluster needs all of its nodes
  if (cluster_id.empty()) cluster_id = new_cluster_id();
  if (auto done = begin_cluster(config, files, cluster_id); !done) return std::unexpected(done.error());
  return cluster_id;
}

}  // namespace quorate
