#include "tests/cluster/harness.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

namespace quorate {
namespace {

std::atomic<int> folders = 0;

template <typename T, typename Call>
Result<T> wait_for(Call call) {
  std::promise<Result<T>> promise;
  call([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

Deadline after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

constexpr std::chrono::seconds kPatience{20};

std::string describe(const ClusterStatus& status) {
  std::string text = "as " + status.source + " sees it, led by " + status.leader + ":";
  for (const NodeStatus& node : status.nodes)
    text += "\n" + node.id + " " + node.role + " " + node.state + ", lag " + std::to_string(node.lag) + " " +
            node.detail;
  return text;
}

}  // namespace

TemporaryFolder::TemporaryFolder()
    : path(std::filesystem::temp_directory_path() /
           ("quorate-test-" + std::to_string(::getpid()) + "-" + std::to_string(folders++))) {
  spdlog::set_level(spdlog::level::off);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path);
}

ClusterConfig config_in(const TemporaryFolder& folder, std::size_t nodes) {
  ClusterConfig config;
  config.timing.restart_delay = std::chrono::milliseconds(200);
  for (std::size_t i = 1; i <= nodes; ++i) {
    const std::string id = "n" + std::to_string(i);
    config.nodes.push_back({.id = id,
                            .preferred_master = i == 1,
                            .database = (folder.path / (id + ".db")).string(),
                            .log = (folder.path / (id + "-log")).string()});
  }
  return config;
}

std::unique_ptr<EmbeddedCluster> open_cluster(const ClusterConfig& config) {
  auto cluster = EmbeddedCluster::open(config);
  REQUIRE_MESSAGE(cluster.has_value(), (cluster ? "" : cluster.error().message));
  wait_until_ready(**cluster);
  return std::move(*cluster);
}

void wait_until_ready(EmbeddedCluster& cluster) {
  const Deadline deadline = after(kPatience);
  while (!cluster.coordinator().check_ready() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  REQUIRE(cluster.coordinator().check_ready());
}

void wait_until_whole(EmbeddedCluster& cluster) {
  const std::size_t nodes = cluster.config().nodes.size();
  ClusterStatus status;
  const auto is_whole = [&] {
    status = cluster.coordinator().known_status();
    const auto is_well = [](const NodeStatus& node) {
      return node.state == "running" && node.role != "learner" && node.lag == 0 && !node.out;
    };
    return status.nodes.size() == nodes && !status.leader.empty() &&
           std::ranges::all_of(status.nodes, is_well);
  };
  const Deadline deadline = after(kPatience);
  while (!is_whole()) {
    if (std::chrono::steady_clock::now() >= deadline) FAIL("not whole " << describe(status));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Result<WriteReceipt> write(EmbeddedCluster& cluster, Transaction transaction,
                           std::chrono::milliseconds timeout) {
  return wait_for<WriteReceipt>([&](auto done) {
    cluster.coordinator().write(std::move(transaction), after(timeout), std::move(done));
  });
}

Result<WriteReceipt> write(EmbeddedCluster& cluster, std::vector<std::string> statements,
                           std::optional<ConsistencyMode> mode, std::chrono::milliseconds timeout) {
  Transaction transaction;
  transaction.mode = mode;
  for (std::string& sql : statements)
    transaction.statements.push_back({.sql = std::move(sql), .parameters = {}});
  return write(cluster, std::move(transaction), timeout);
}

Result<std::int64_t> read_integer(EmbeddedCluster& cluster, const std::string& sql,
                                  ReadConsistency consistency, const std::string& node,
                                  std::uint64_t min_index) {
  auto answer = wait_for<QueryAnswer>([&](auto done) {
    cluster.coordinator().query({.sql = sql, .parameters = {}}, consistency, min_index, after(kPatience),
                                std::move(done), node);
  });
  if (!answer) return std::unexpected(answer.error());
  return std::get<std::int64_t>(answer->result.rows.at(0).at(0));
}

Result<std::uint64_t> set_mode(EmbeddedCluster& cluster, ConsistencyMode mode) {
  return wait_for<std::uint64_t>(
      [&](auto done) { cluster.coordinator().set_mode(mode, after(kPatience), std::move(done)); });
}

Result<VerifyReport> verify(EmbeddedCluster& cluster) {
  return wait_for<VerifyReport>(
      [&](auto done) { cluster.coordinator().verify(after(kPatience), std::move(done)); });
}

void require_equal(EmbeddedCluster& cluster) {
  const auto report = verify(cluster);
  REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().message));
  for (const std::string& difference : report->differences) MESSAGE(difference);
  REQUIRE(report->equal);
}

std::string leader_of(EmbeddedCluster& cluster) {
  return cluster.coordinator().known_status().leader;
}

}  // namespace quorate
