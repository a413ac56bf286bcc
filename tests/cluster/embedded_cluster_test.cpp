// What a cluster of real SQLite nodes promises while nodes come and go.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "core/consensus/file_log_store.hpp"
#include "tests/cluster/harness.hpp"

namespace quorate {
namespace {

constexpr const char* kCreate =
    "CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER DEFAULT 1)";
constexpr const char* kCount = "SELECT count(*) FROM item";

TEST_CASE("a transaction is on every node, or on none") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate, "INSERT INTO item (id, value) VALUES (1, 10), (2, 20)"}));
  const auto failed = write(*cluster, {"INSERT INTO item (id, value) VALUES (3, 30)",
                                       "INSERT INTO item (id, value) VALUES (1, 0)"});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::constraint_failed);
  CHECK(failed.error().statement == 1U);
  CHECK(failed.error().outcome == Outcome::not_applied);
  const auto last =
      write(*cluster, {"UPDATE item SET value = 11, version = version + 1 WHERE id = 1 AND version = 1"});
  REQUIRE(last);
  for (const char* node : {"n1", "n2", "n3"}) {
    CHECK(*read_integer(*cluster, kCount, ReadConsistency::local, node, last->index) == 2);
    CHECK(*read_integer(*cluster, "SELECT value FROM item WHERE id = 1", ReadConsistency::local, node,
                        last->index) == 11);
  }
  require_equal(*cluster);
}

TEST_CASE("the preferred master leads from the start") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  CHECK(leader_of(*cluster) == "n1");
}

TEST_CASE("dual_write needs every node, quorum a majority, and the switch holds for what follows") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate}));
  REQUIRE(set_mode(*cluster, ConsistencyMode::dual_write));
  const auto both = write(*cluster, {"INSERT INTO item (id, value) VALUES (1, 1)"});
  REQUIRE(both);
  CHECK(both->mode == ConsistencyMode::dual_write);
  CHECK(both->committed == std::vector<std::string>{"n1", "n2", "n3"});
  cluster->stop_node("n3");
  const auto refused = write(*cluster, {"INSERT INTO item (id, value) VALUES (2, 2)"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::node_unavailable);
  CHECK(refused.error().node == "n3");
  CHECK(refused.error().outcome == Outcome::not_applied);
  CHECK(*read_integer(*cluster, kCount) == 1);
  REQUIRE(set_mode(*cluster, ConsistencyMode::quorum));
  const auto accepted = write(*cluster, {"INSERT INTO item (id, value) VALUES (2, 2)"});
  REQUIRE(accepted);
  CHECK(accepted->pending == std::vector<std::string>{"n3"});
  const auto strengthened =
      write(*cluster, {"INSERT INTO item (id, value) VALUES (3, 3)"}, ConsistencyMode::dual_write);
  CHECK_FALSE(strengthened);
  REQUIRE(cluster->start_node("n3"));
  CHECK(*read_integer(*cluster, kCount, ReadConsistency::local, "n3", accepted->index) == 2);
  require_equal(*cluster);
}

TEST_CASE("the leader may die again and again: nothing acknowledged is lost, nothing refused appears") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate}));
  std::atomic<bool> stop = false;
  struct Client {
    std::vector<std::int64_t> applied;
    std::vector<std::int64_t> not_applied;
  };
  std::vector<Client> clients(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    threads.emplace_back([&, i] {
      for (std::int64_t n = 0; !stop; ++n) {
        const std::int64_t id = n * 100 + static_cast<std::int64_t>(i);
        const auto receipt =
            write(*cluster, {"INSERT INTO item (id, value) VALUES (" + std::to_string(id) + ", 0)"});
        if (receipt) clients[i].applied.push_back(id);
        if (!receipt && receipt.error().outcome == Outcome::not_applied) clients[i].not_applied.push_back(id);
      }
    });
  }
  for (int round = 0; round < 6; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    std::string leader = leader_of(*cluster);
    if (leader.empty()) leader = "n1";
    cluster->stop_node(leader);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(cluster->start_node(leader));
    wait_until_ready(*cluster);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::size_t applied = 0;
  for (const Client& client : clients) {
    applied += client.applied.size();
    for (const std::int64_t id : client.applied) {
      CHECK(*read_integer(*cluster, "SELECT count(*) FROM item WHERE id = " + std::to_string(id)) == 1);
    }
    for (const std::int64_t id : client.not_applied) {
      CHECK(*read_integer(*cluster, "SELECT count(*) FROM item WHERE id = " + std::to_string(id)) == 0);
    }
  }
  CHECK(applied > 50);
  require_equal(*cluster);
}

TEST_CASE("without a majority nothing is written, and the client is told so in time") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate}));
  cluster->stop_node("n2");
  cluster->stop_node("n3");
  const auto begin = std::chrono::steady_clock::now();
  const auto lost =
      write(*cluster, {"INSERT INTO item (id, value) VALUES (1, 1)"}, {}, std::chrono::milliseconds(800));
  REQUIRE_FALSE(lost);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto refused =
      write(*cluster, {"INSERT INTO item (id, value) VALUES (2, 2)"}, {}, std::chrono::milliseconds(300));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::no_leader);
  CHECK(refused.error().outcome == Outcome::not_applied);
  // However long there has been no leader, every request gives the next one an election timeout to appear.
  const auto patient = std::chrono::steady_clock::now();
  CHECK_FALSE(write(*cluster, {"INSERT INTO item (id, value) VALUES (2, 2)"}));
  CHECK(std::chrono::steady_clock::now() - patient >= cluster->config().timing.election_timeout);
  REQUIRE(cluster->start_node("n2"));
  REQUIRE(cluster->start_node("n3"));
  wait_until_ready(*cluster);
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM item WHERE id = 2") == 0);
  require_equal(*cluster);
}

TEST_CASE("what is accepted before a stop is answered, what comes after is refused") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate}));
  std::atomic<int> answered = 0;
  for (int i = 0; i < 200; ++i) {
    Transaction transaction;
    transaction.statements = {{.sql = "INSERT INTO item (value) VALUES (1)", .parameters = {}}};
    cluster->coordinator().write(std::move(transaction),
                                 std::chrono::steady_clock::now() + std::chrono::seconds(10),
                                 [&answered](const auto& receipt) { answered += receipt ? 1 : 0; });
  }
  CHECK(cluster->stop());
  CHECK(answered == 200);
  const auto late = write(*cluster, {"INSERT INTO item (value) VALUES (1)"});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::shutting_down);
  cluster = open_cluster(config_in(folder));
  CHECK(*read_integer(*cluster, kCount) == 200);
}

TEST_CASE("every query is answered, also those that wait in a node that stops") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  REQUIRE(write(*cluster, {kCreate}));
  wait_until_whole(*cluster);
  constexpr int kQueries = 500;
  std::atomic<int> answered = 0;
  std::atomic<int> refused = 0;
  for (int i = 0; i < kQueries; ++i) {
    cluster->coordinator().query(
        {.sql = kCount, .parameters = {}}, ReadConsistency::local, 0,
        std::chrono::steady_clock::now() + std::chrono::seconds(10),
        [&](const Result<QueryAnswer>& answer) {
          answer ? ++answered : ++refused;
          if (!answer) CHECK(answer.error().code == ErrorCode::node_unavailable);
        },
        "n2");
  }
  cluster->stop_node("n2");
  CHECK(answered + refused == kQueries);
}

TEST_CASE("a short read is answered at once, and one that would take long or has to wait is left as it was") {
  const TemporaryFolder folder;
  auto cluster = open_cluster(config_in(folder));
  const auto written = write(*cluster, {kCreate, "INSERT INTO item (id, value) VALUES (1, 10)"});
  REQUIRE(written);
  MultiDbCoordinator& coordinator = cluster->coordinator();
  const std::string sql = "SELECT value FROM item WHERE id = ?";
  Query point{.sql = sql, .parameters = {.positional = {std::int64_t{1}}, .named = {}}};
  auto answer = coordinator.query_at_once(point, ReadConsistency::leader, written->index);
  // A busy machine takes longer the first times.
  for (int i = 0; i < 1'000 && !answer; ++i) {
    REQUIRE(read_integer(*cluster, "SELECT value FROM item WHERE id = 1", ReadConsistency::leader));
    answer = coordinator.query_at_once(point, ReadConsistency::leader, written->index);
  }
  REQUIRE(answer);
  REQUIRE(*answer);
  CHECK((*answer)->result.rows == std::vector<Row>{{std::int64_t{10}}});
  CHECK((*answer)->result.index >= written->index);

  CHECK_FALSE(coordinator.query_at_once(point, ReadConsistency::linearizable, 0));
  CHECK_FALSE(coordinator.query_at_once(point, ReadConsistency::leader, written->index + 1000));
  CHECK_FALSE(coordinator.query_at_once(point, ReadConsistency::local, 0, "n9"));
  CHECK(point.sql == sql);

  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Query count{.sql =
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
                  "SELECT count(*) FROM n",
              .parameters = {},
              .deadline = deadline};
  CHECK_FALSE(coordinator.query_at_once(count, ReadConsistency::leader, 0));
  CHECK(count.deadline == deadline);
  CHECK(*read_integer(*cluster, count.sql, ReadConsistency::leader) == 100'000);

  Query endless{
      .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
      .parameters = {},
      .deadline = std::chrono::steady_clock::now()};
  const auto late = coordinator.query_at_once(endless, ReadConsistency::leader, 0);
  REQUIRE(late);
  REQUIRE_FALSE(*late);
  CHECK(late->error().code == ErrorCode::statement_timeout);
}

TEST_CASE("a cluster of one and of two work as far as they can") {
  for (const std::size_t nodes : {1, 2}) {
    const TemporaryFolder folder;
    auto cluster = open_cluster(config_in(folder, nodes));
    REQUIRE(set_mode(*cluster, ConsistencyMode::dual_write));
    REQUIRE(write(*cluster, {kCreate, "INSERT INTO item (id, value) VALUES (1, 1)"}));
    require_equal(*cluster);
  }
}

TEST_CASE("the log is compacted once every database is durable, and the nodes start from what is left") {
  const TemporaryFolder folder;
  ClusterConfig config = config_in(folder);
  config.timing.election_timeout = std::chrono::seconds(3);  // a busy disk is not what is tested here
  auto cluster = open_cluster(config);
  REQUIRE(write(*cluster, {"CREATE TABLE big (id INTEGER PRIMARY KEY, value BLOB)"}));
  for (int i = 0; i < 24; ++i) {
    REQUIRE(write(*cluster, {"INSERT INTO big (value) VALUES ('" + std::string(3'000'000, 'x') + "')"}));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  REQUIRE(cluster->stop());
  for (const NodeConfig& node : cluster->config().nodes) {
    auto log = FileLogStore::open(node.log);
    REQUIRE(log);
    CHECK((*log)->load()->base.index > 5);
  }
  cluster = open_cluster(config_in(folder));
  CHECK(*read_integer(*cluster, "SELECT count(*) FROM big") == 24);
  require_equal(*cluster);
}

}  // namespace
}  // namespace quorate
