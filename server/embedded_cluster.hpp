// A whole cluster in this process: one node per database file, each with its engine, log, threads and consensus
// participant, joined by the in-memory transport. This is the composition root of `serve`, `demo` and the tests.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/running_cluster.hpp"

namespace quorate {

class EmbeddedCluster final : public RunningCluster {
 public:
  // Opens every node's database and log, checks each _cluster_meta against the configuration, brings up nodes that
  // have no content yet from one that has, and starts the consensus. An existing database without a meta, given as
  // the first node, becomes the new cluster's content.
  // Errors: identity_mismatch (the message says which value of which node differs), io_error, corrupt, not_found
  // (engine). One that is only about a minority of nodes leaves these down instead, to be tried again.
  static Result<std::unique_ptr<EmbeddedCluster>> open(ClusterConfig config);

  ~EmbeddedCluster() override;  // stop()s
  EmbeddedCluster(const EmbeddedCluster&) = delete;

  MultiDbCoordinator& coordinator() override;
  const ClusterConfig& config() const override;
  void add_node(NodeId node, std::string peer, Deadline deadline,
                MultiDbCoordinator::Callback<std::uint64_t> done) override;

  // Takes a node down as a dying disk would: at once, without a word to the others.
  void stop_node(const std::string& id);
  // Opens a stopped node again; it catches up. Errors as of open().
  Result<void> start_node(const std::string& id);

  bool stop(std::chrono::milliseconds grace = std::chrono::seconds(10)) override;

 private:
  struct Impl;
  explicit EmbeddedCluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate
