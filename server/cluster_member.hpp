// This process as one node of a cluster of processes: its node, the peer port, and how it comes to belong to the cluster.
//
// A cluster begins when all of its initial nodes have found each other and none belongs to a cluster yet: the first one
// names the members, by the instances of their files, and tells them. A node without files in a cluster that has begun
// (a further node, or one that has lost its files) asks to join until it is a member, as another instance.
#pragma once

#include <memory>

#include "server/running_cluster.hpp"

namespace quorate {

class ClusterMember final : public RunningCluster {
 public:
  // `config.nodes` holds the one node of this process, `config.member` how it reaches the others. Does not wait for them.
  // Errors: identity_mismatch, io_error, corrupt, not_found (engine).
  static Result<std::unique_ptr<ClusterMember>> open(ClusterConfig config);

  ~ClusterMember() override;
  ClusterMember(const ClusterMember&) = delete;

  MultiDbCoordinator& coordinator() override;
  const ClusterConfig& config() const override;
  void add_node(NodeId node, std::string peer, Deadline deadline,
                MultiDbCoordinator::Callback<std::uint64_t> done) override;
  bool stop(std::chrono::milliseconds grace) override;

 private:
  struct Impl;
  explicit ClusterMember(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate
