// Clusters in a temporary folder, and calls to them that wait for the answer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/embedded_cluster.hpp"

namespace quorate {

struct TemporaryFolder {
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

// n1, n2, ... each with its database and log in the folder.
ClusterConfig config_in(const TemporaryFolder& folder, std::size_t nodes = 3);

// Opens and waits until it is ready; fails the test otherwise.
std::unique_ptr<EmbeddedCluster> open_cluster(const ClusterConfig& config);
void wait_until_ready(EmbeddedCluster& cluster);
// Until every node is a voter, runs, and has all that is decided.
void wait_until_whole(EmbeddedCluster& cluster);

Result<WriteReceipt> write(EmbeddedCluster& cluster, std::vector<std::string> statements,
                           std::optional<ConsistencyMode> mode = {},
                           std::chrono::milliseconds timeout = std::chrono::seconds(10));
Result<WriteReceipt> write(EmbeddedCluster& cluster, Transaction transaction,
                           std::chrono::milliseconds timeout);

// The first column of the first row, as an integer. A `node` that does not serve yet is waited for.
Result<std::int64_t> read_integer(EmbeddedCluster& cluster, const std::string& sql,
                                  ReadConsistency consistency = ReadConsistency::linearizable,
                                  const std::string& node = {}, std::uint64_t min_index = 1);
Result<std::uint64_t> set_mode(EmbeddedCluster& cluster, ConsistencyMode mode);
Result<VerifyReport> verify(EmbeddedCluster& cluster);

// Fails the test unless all nodes are equal.
void require_equal(EmbeddedCluster& cluster);

std::string leader_of(EmbeddedCluster& cluster);

}  // namespace quorate
