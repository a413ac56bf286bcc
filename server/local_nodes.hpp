// The nodes that run in this process, over one transport: each with its files and threads. One that fails is opened again
// after a while, one that has received a snapshot at once, one that is not trusted any more to be repaired.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cluster_config.hpp"
#include "core/coordinator.hpp"
#include "core/executor.hpp"
#include "core/transport.hpp"

namespace quorate {

class LocalNodes {
 public:
  // `config.nodes` are those that may run here; config.cluster_id must be known before the first is started. The
  // transport must outlive this object.
  LocalNodes(ClusterConfig config, LocalTransport& transport);
  ~LocalNodes();  // stop()s
  LocalNodes(const LocalNodes&) = delete;

  MultiDbCoordinator& coordinator();
  Executor& executor();  // for work on behalf of the nodes; blocks now and then
  const ClusterConfig& config() const;
  void set_cluster_id(const std::string& cluster_id);

  // Opens all, but for shared ones, before any is started, so that nodes that start together find each other. Those that fail are tried again.
  // Error: identity_mismatch; or that of the last one, if `needed` of them do not come up.
  Result<void> start_all(std::size_t needed);

  // Errors: as of opening its files; internal if it is up.
  Result<void> start_node(const std::string& id);
  // Starts a node that may be no member yet: it asks to become one, again and again.
  void join_node(const std::string& id);
  // At once, without a word to the others, as a dying disk would.
  void stop_node(const std::string& id, const std::string& state, const std::string& detail);

  bool is_up(const std::string& id) const;
  // It is up, or it is being started by join_node(). A shared node that has failed is neither.
  bool is_wanted(const std::string& id) const;

  // What a node of this process knows of the membership, decided; nothing if no node is up or it is being changed.
  std::optional<Membership> decided_membership() const;
  ConsistencyMode mode() const;

  // Waits for accepted writes until the deadline, then stops all nodes. False if some were left without an answer.
  bool stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate
