#include "server/demo.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "server/embedded_cluster.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

Deadline in_seconds(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

// What a step claims must be so.
void expect(bool holds, const std::string& claim) {
  if (!holds) throw std::runtime_error("this should be so, and is not: " + claim);
}

// Calls the coordinator and waits for its answer.
template <typename T, typename Call>
Result<T> wait_for(Call call) {
  std::promise<Result<T>> promise;
  call([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

class Demo {
 public:
  explicit Demo(std::ostream& out) : out_(out) {
    folder_ = fs::temp_directory_path() / ("quorate-demo-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  ~Demo() {
    cluster_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Demo(const Demo&) = delete;

  void run() {
    initialise();
    write_atomically();
    conflict();
    fail_under_dual_write();
    fail_under_quorum();
    refuse_a_stranger();
    compare();
  }

 private:
  ClusterConfig config() const {
    ClusterConfig config;
    for (int i = 1; i <= 3; ++i) {
      const std::string id = "n" + std::to_string(i);
      config.nodes.push_back({.id = id,
                              .preferred_master = i == 1,
                              .database = (folder_ / (id + ".db")).string(),
                              .log = (folder_ / (id + "-log")).string()});
    }
    return config;
  }

  void open() {
    auto opened = EmbeddedCluster::open(config());
    expect(opened.has_value(), opened ? "" : opened.error().message);
    cluster_ = std::move(*opened);
  }

  void title(const std::string& text) { out_ << "\n" << ++step_ << ". " << text << "\n"; }
  void say(const std::string& text) { out_ << "   " << text << "\n"; }

  Result<WriteReceipt> write(std::vector<Statement> statements) {
    for (const Statement& statement : statements) out_ << "   > " << statement.sql << "\n";
    return wait_for<WriteReceipt>([&](auto done) {
      cluster_->coordinator().write({.id = {}, .statements = std::move(statements)}, in_seconds(10),
                                    std::move(done));
    });
  }

  Result<QueryAnswer> read(const std::string& sql, const std::string& node, std::uint64_t min_index = 0) {
    return wait_for<QueryAnswer>([&](auto done) {
      cluster_->coordinator().query({.sql = sql, .parameters = {}}, ReadConsistency::local, min_index,
                                    in_seconds(10), std::move(done), node);
    });
  }

  // "Ada has 70, Bob has 80" as the named node sees it.
  std::string balances_on(const std::string& node, std::uint64_t min_index = 0) {
    const auto answer = read("SELECT name || ' has ' || balance FROM accounts ORDER BY id", node, min_index);
    expect(answer.has_value(), answer ? "" : answer.error().message);
    std::string text;
    for (const Row& row : answer->result.rows) {
      text += (text.empty() ? "" : ", ") + std::get<std::string>(row.at(0));
    }
    return text;
  }

  void show_balances(const std::vector<std::string>& nodes, const std::string& expected,
                     std::uint64_t min_index = 0) {
    for (const std::string& node : nodes) {
      const std::string balances = balances_on(node, min_index);
      say(node + ": " + balances);
      expect(balances == expected, "on " + node + ": " + expected);
    }
  }

  void set_mode(ConsistencyMode mode) {
    const auto index = wait_for<std::uint64_t>(
        [&](auto done) { cluster_->coordinator().set_mode(mode, in_seconds(10), std::move(done)); });
    expect(index.has_value(), "the mode can be switched");
    say("The mode is now " + std::string(to_string(mode)) + ".");
  }

  void initialise() {
    title("A cluster is initialised");
    open();
    const Deadline deadline = in_seconds(10);
    while (!cluster_->coordinator().check_ready() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const ClusterStatus status = cluster_->coordinator().known_status();
    expect(!status.leader.empty(), "a leader is elected");
    say("Three nodes, each a SQLite file with its own log: " + (folder_ / "n1.db").string() +
        ", n2.db, n3.db.");
    say("Cluster " + status.cluster_id + ", mode " + std::string(to_string(status.mode)) + ".");
    say("They elected a leader: " + status.leader + ", in term " + std::to_string(status.term) + ".");
  }

  void write_atomically() {
    title("An atomic write: all statements on every node, or none");
    auto created =
        write({{.sql = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                       "balance INTEGER NOT NULL CHECK (balance >= 0), version INTEGER NOT NULL DEFAULT 1)",
                .parameters = {}},
               {.sql = "INSERT INTO accounts (id, name, balance) VALUES (1, 'Ada', 100), (2, 'Bob', 50)",
                .parameters = {}}});
    expect(created.has_value(), created ? "" : created.error().message);
    auto moved = write({{.sql = "UPDATE accounts SET balance = balance - 30, version = version + 1 WHERE id "
                                "= 1 AND version = 1",
                         .parameters = {}},
                        {.sql = "UPDATE accounts SET balance = balance + 30, version = version + 1 WHERE id "
                                "= 2 AND version = 1",
                         .parameters = {}}});
    expect(moved.has_value(), moved ? "" : moved.error().message);
    say("Applied at index " + std::to_string(moved->index) + " of the log. Every node has it:");
    show_balances({"n1", "n2", "n3"}, "Ada has 70, Bob has 80", moved->index);
  }

  void conflict() {
    title("A version conflict: somebody else was faster, so nothing happens");
    auto refused = write({{.sql = "UPDATE accounts SET balance = balance + 10, version = version + 1 WHERE "
                                  "id = 2 AND version = 2",
                           .parameters = {}},
                          {.sql = "UPDATE accounts SET balance = balance - 10, version = version + 1 WHERE "
                                  "id = 1 AND version = 1",
                           .parameters = {}}});
    expect(!refused && refused.error().code == ErrorCode::version_conflict, "the second statement conflicts");
    expect(refused.error().statement == 1U, "the error names the statement");
    say("Refused (" + std::string(to_string(refused.error().code)) +
        ", statement 1): " + refused.error().message);
    say("The first statement alone would have succeeded; it was rolled back with the second:");
    show_balances({"n1", "n2", "n3"}, "Ada has 70, Bob has 80");
  }

  std::vector<Statement> gift() const {
    return {
        {.sql =
             "UPDATE accounts SET balance = balance + 5, version = version + 1 WHERE id = 2 AND version = 2",
         .parameters = {}}};
  }

  void fail_under_dual_write() {
    title("A node fails under dual_write: everything rolls back everywhere");
    set_mode(ConsistencyMode::dual_write);
    cluster_->stop_node("n3");
    say("n3 is gone.");
    auto refused = write(gift());
    expect(!refused && refused.error().outcome == Outcome::not_applied, "the write is refused");
    expect(refused.error().node == "n3", "the error names n3");
    say("Refused (" + std::string(to_string(refused.error().code)) + "): " + refused.error().message);
    show_balances({"n1", "n2"}, "Ada has 70, Bob has 80");
  }

  void fail_under_quorum() {
    title("The same under quorum: the write succeeds, and the node catches up");
    set_mode(ConsistencyMode::quorum);
    auto applied = write(gift());
    expect(applied.has_value(), applied ? "" : applied.error().message);
    expect(std::ranges::find(applied->pending, "n3") != applied->pending.end(), "n3 is named as pending");
    say("Applied at index " + std::to_string(applied->index) + "; pending on n3.");
    show_balances({"n1", "n2"}, "Ada has 70, Bob has 85", applied->index);
    const auto started = cluster_->start_node("n3");
    expect(started.has_value(), started ? "" : started.error().message);
    say("n3 is back, and reads its log:");
    show_balances({"n3"}, "Ada has 70, Bob has 85", applied->index);
  }

  void refuse_a_stranger() {
    title("A configuration with another cluster's id is refused");
    expect(cluster_->stop(), "the cluster stops with nothing left unanswered");
    cluster_.reset();
    ClusterConfig wrong = config();
    wrong.cluster_id = "somebody-else";
    const auto refused = EmbeddedCluster::open(wrong);
    expect(!refused && refused.error().code == ErrorCode::identity_mismatch, "the wrong id is refused");
    say("Refused (" + std::string(to_string(refused.error().code)) + "): " + refused.error().message);
  }

  void compare() {
    title("The consistency check: all nodes, table by table, at one index");
    open();
    const auto report = wait_for<VerifyReport>(
        [&](auto done) { cluster_->coordinator().verify(in_seconds(20), std::move(done)); });
    expect(report.has_value(), report ? "" : report.error().message);
    for (const VerifyReport::Node& node : report->nodes) {
      expect(!node.error, "node " + node.id + " answers");
      const TableDigest& accounts = node.content.tables.at("accounts");
      say(node.id + " at index " + std::to_string(report->index) + ": accounts " +
          std::to_string(accounts.rows) + " rows " + to_string(accounts.digest) + ", chain " +
          to_string(node.chain));
    }
    expect(report->equal && report->differences.empty(), "all nodes are equal");
    say("All equal.");
  }

  std::ostream& out_;
  fs::path folder_;
  std::unique_ptr<EmbeddedCluster> cluster_;
  int step_ = 0;
};

}  // namespace

int run_demo(std::ostream& out) {
  try {
    Demo demo(out);
    out << "Quorate writes one SQL transaction to several databases, all or nothing. See for yourself:\n";
    demo.run();
    out << "\nEverything did what it says.\n";
    return 0;
  } catch (const std::exception& failure) {
    out << "\nFAILED: " << failure.what() << "\n";
    return 1;
  }
}

}  // namespace quorate
