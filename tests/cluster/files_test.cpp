// What a cluster does with the files that it finds.
#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "engines/registry.hpp"
#include "tests/cluster/harness.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

void run_sql(const std::string& path, const std::string& sql) {
  SQLite::Database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
}

void remove_node_files(const NodeConfig& node) {
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(node.database + suffix);
  fs::remove_all(node.log);
}

// In the midst: what follows is intact, so that it cannot be what a crash has left half done.
void damage_log(const NodeConfig& node) {
  std::fstream file(fs::path(node.log) / "0000000000000000.segment",
                    std::ios::in | std::ios::out | std::ios::binary);
  REQUIRE(file.is_open());
  constexpr std::streamoff kPlace = 300;
  file.seekg(kPlace);
  const auto damaged = static_cast<char>(~file.get());
  file.seekp(kPlace);
  file.put(damaged);
}

TEST_CASE("an existing SQLite database becomes everybody's content") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  run_sql(config.nodes[0].database,
          "CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO old VALUES (1, 'x'), (2, 'y')");
  auto cluster = open_cluster(config);
  for (const char* node : {"n1", "n2", "n3"}) {
    CHECK(*read_integer(*cluster, "SELECT count(*) FROM old", ReadConsistency::local, node) == 2);
  }
  REQUIRE(write(*cluster, {"INSERT INTO old VALUES (3, 'z')"}));
  require_equal(*cluster);
}

TEST_CASE("a backup with content of its own is refused, and stays as it was") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  run_sql(config.nodes[1].database, "CREATE TABLE mine (id INTEGER)");
  const auto refused = EmbeddedCluster::open(config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::identity_mismatch);
  CHECK(refused.error().message.find("n2") != std::string::npos);
  SQLite::Database database(config.nodes[1].database);
  CHECK(database.tableExists("mine"));
}

TEST_CASE("a wrong cluster id, node id or role is refused, naming the value") {
  const TemporaryFolder folder;
  ClusterConfig config = config_in(folder);
  config.cluster_id = "right";
  open_cluster(config)->stop();
  const auto refusal = [](const ClusterConfig& wrong) {
    const auto refused = EmbeddedCluster::open(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::identity_mismatch);
    return refused.error().message;
  };
  ClusterConfig other = config;
  other.cluster_id = "wrong";
  CHECK(refusal(other).find("cluster id is right, the configuration says wrong") != std::string::npos);
  ClusterConfig swapped = config;
  std::swap(swapped.nodes[1].database, swapped.nodes[2].database);
  std::swap(swapped.nodes[1].log, swapped.nodes[2].log);
  CHECK(refusal(swapped).find("node id is n3, the configuration says n2") != std::string::npos);
  ClusterConfig promoted = config;
  promoted.nodes[0].preferred_master = false;
  CHECK(refusal(promoted).find("role is master, the configuration says backup") != std::string::npos);
  open_cluster(config);
}

TEST_CASE("a node whose files are gone is rebuilt from the others") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)"}));
  cluster->stop();
  remove_node_files(config.nodes[0]);
  cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (4)"}));
  wait_until_whole(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n1") == 4);
  require_equal(*cluster);
}

TEST_CASE(
    "a node whose log is damaged stays down, says what to do, and is rebuilt once its files are moved away") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)"}));
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (4)"}));
  cluster->stop();
  damage_log(config.nodes[1]);
  cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (5)"}));
  const NodeStatus down = cluster->coordinator().known_status().nodes.at(1);
  CHECK(down.state == "failed");
  CHECK(down.detail.find("is damaged at byte") != std::string::npos);
  CHECK(down.detail.find("move this node's database and log away") != std::string::npos);
  remove_node_files(config.nodes[1]);
  wait_until_whole(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n2") == 5);
  require_equal(*cluster);
}

TEST_CASE("of two nodes one may lose its files: the other goes on alone until it is back") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder, 2);
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"}));
  cluster->stop();
  remove_node_files(config.nodes[0]);
  cluster = open_cluster(config);
  wait_until_whole(*cluster);
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (2)"}));
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::linearizable) == 2);
  require_equal(*cluster);
}

TEST_CASE("a further node joins a cluster that is there, however much has happened") {
  const TemporaryFolder folder;
  ClusterConfig config = config_in(folder, 3);
  config.limits.flush_entries = 10;  // so that the log alone is not enough
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)"}));
  for (int i = 0; i < 50; ++i) REQUIRE(write(*cluster, {"INSERT INTO t VALUES (" + std::to_string(i) + ")"}));
  cluster->stop();
  ClusterConfig larger = config_in(folder, 4);
  larger.limits = config.limits;
  cluster = open_cluster(larger);
  wait_until_whole(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n4") == 50);
  require_equal(*cluster);
}

TEST_CASE("a beginning that was interrupted is begun again") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  run_sql(config.nodes[0].database, "CREATE TABLE old (id INTEGER PRIMARY KEY); INSERT INTO old VALUES (1)");
  {
    auto engine = open_engine("sqlite", {.uri = config.nodes[0].database});
    REQUIRE(engine);
    REQUIRE((*engine)->write_meta({.cluster_id = "half", .node_id = "n1", .role = "master"}));
  }
  std::ofstream(config.nodes[0].database + ".beginning").close();
  auto cluster = open_cluster(config);
  CHECK(cluster->config().cluster_id == "half");
  CHECK_FALSE(fs::exists(config.nodes[0].database + ".beginning"));
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM old", ReadConsistency::local, "n3") == 1);
  require_equal(*cluster);
}

TEST_CASE("nodes that never began are not taken for a new cluster when the others' files are gone") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  {
    auto engine = open_engine("sqlite", {.uri = config.nodes[1].database});
    REQUIRE(engine);
    REQUIRE((*engine)->write_meta({.cluster_id = "rest", .node_id = "n2", .role = "backup"}));
  }
  const auto refused = EmbeddedCluster::open(config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("none of the nodes has its log") != std::string::npos);
}

TEST_CASE("with too few intact nodes nothing is rebuilt: acknowledged writes might be missing") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)"}));
  cluster->stop();
  remove_node_files(config.nodes[0]);
  remove_node_files(config.nodes[2]);
  const auto refused = EmbeddedCluster::open(config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("too few to go on") != std::string::npos);
}

TEST_CASE("a second process is kept away from the files") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  const auto second = EmbeddedCluster::open(config);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("another process") != std::string::npos);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)"}));
}

TEST_CASE("a node that another program has written to is quarantined, and repairs itself") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  const auto first = write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"});
  REQUIRE(first);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n3", first->index) == 1);
  run_sql(config.nodes[2].database, "DELETE FROM t");
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (2)"}));
  const auto state_of_n3 = [&] { return cluster->coordinator().known_status().nodes[2].state; };
  bool was_away = false;
  for (int i = 0; i < 2'000 && !was_away; ++i) {
    was_away = state_of_n3() != "running";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(was_away);
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (3)"}));
  wait_until_whole(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n3") == 3);
  require_equal(*cluster);
  CHECK_FALSE(fs::exists(config.nodes[2].database + ".quarantined"));
}

TEST_CASE("a leader that another program has written to makes way, and repairs itself") {
  const TemporaryFolder folder;
  const ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"}));
  REQUIRE(leader_of(*cluster) == "n1");
  run_sql(config.nodes[0].database, "DELETE FROM t");
  REQUIRE(write(*cluster, {"INSERT INTO t VALUES (2)"}));
  wait_until_whole(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM t", ReadConsistency::local, "n1") == 2);
  require_equal(*cluster);
}

TEST_CASE("the mode of an existing cluster is its own, whatever a restart says") {
  const TemporaryFolder folder;
  ClusterConfig config = config_in(folder);
  auto cluster = open_cluster(config);
  REQUIRE(set_mode(*cluster, ConsistencyMode::dual_write));
  cluster->stop();
  config.mode = ConsistencyMode::quorum;
  cluster = open_cluster(config);
  CHECK(cluster->coordinator().known_status().mode == ConsistencyMode::dual_write);
}

}  // namespace
}  // namespace quorate
