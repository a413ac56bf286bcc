#include "tests/bench/peers/rqlite_target.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/http.hpp"
#include "tests/bench/peers/peer_target.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kExecute = "/db/execute";
constexpr std::string_view kQueuedWaited = "/db/execute?queue&wait";
constexpr std::string_view kQueued = "/db/execute?queue";

// With parameters and not as a literal, as its manual advises.
PreparedRequest insert_request(std::string_view path, std::size_t row_bytes) {
  return {"POST", path, fmt::format(R"([["{}",{},"{}"]])", kInsertRow, kNumber, row_text(row_bytes))};
}

// rqlite answers 200 also when the statement failed, with the error inside. A queued write is answered with a number only:
// nothing is said of the statement's own success.
class RqliteInserts : public Workload {
 public:
  RqliteInserts(std::size_t connections, IdSource& ids, std::string_view path, std::size_t row_bytes)
      : ids_(ids),
        expected_(path == kExecute ? R"("rows_affected":1})" : R"("sequence_number":)"),
        requests_(connections, insert_request(path, row_bytes)) {}

  std::string_view next(std::size_t connection) override {
    requests_[connection].set(0, ids_.next());
    return requests_[connection].bytes();
  }
  bool accept(std::size_t /*connection*/, const Response& response) override {
    return response.body.contains(expected_) && !response.body.contains("\"error\"");
  }

 private:
  IdSource& ids_;
  std::string_view expected_;
  std::vector<PreparedRequest> requests_;
};

class RqliteReads : public RowReads {
 public:
  RqliteReads(std::size_t connections, const char* level)
      : RowReads(connections,
                 PreparedRequest(
                     "POST", fmt::format("/db/query?level={}", level),
                     fmt::format(R"([["SELECT id, owner, balance, version FROM account WHERE id = ?",{}]])",
                                 kNumber))) {}

 private:
  std::string expected_of(std::uint64_t id) const override {
    return fmt::format(R"("values":[[{},"Ada Lovelace",100,{}]])", id, kSmallestNumber);
  }
};

class RqliteTarget : public PeerTarget {
 public:
  RqliteTarget(const fs::path& program, const fs::path& folder) {
    start_node(program, folder, 0, {});
    nodes_.wait_for("the first rqlite node leads", [this] { return find_leader(1); });
    for (std::size_t number = 1; number < kPeerNodes; ++number) {
      start_node(program, folder, number, {"-join", loopback(peer_ports_[0])});
    }
    nodes_.wait_for("three rqlite nodes vote", [this] { return find_leader(kPeerNodes); });
    execute(kCreateTable);
    execute(insert_rows_sql(0, kPreparedRows));
  }

  std::string name() const override { return "rqlite"; }
  std::string durability() const override {
    return "flushed (Raft log in BoltDB, one fdatasync for each append) by a majority, and applied by the "
           "leader; a "
           "queued write that is not waited for is in the leader's memory only";
  }
  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override {
    return std::make_unique<RqliteInserts>(connections, ids_, kExecute, row_bytes);
  }
  // Its level "strong" sends the read through the log; the manual keeps that for tests, and names "linearizable" for use.
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) override {
    return std::make_unique<RqliteReads>(connections, kind == ReadKind::local ? "none" : "linearizable");
  }
  std::vector<ExtraLoad> extras(std::size_t connections) override {
    std::vector<ExtraLoad> extras;
    for (const std::size_t number : {std::size_t{1}, connections}) {
      extras.push_back({"INSERT one row, queued and waited for", number, queued(number, kQueuedWaited)});
    }
    extras.push_back(
        {"INSERT one row, queued, not durable when answered", connections, queued(connections, kQueued)});
    return extras;
  }

 private:
  // All as it comes, snapshots too, but for the queue of writes, for which the manual says to try what fits. By default a
  // batch is 128 writes or what 50 ms bring: fewer writers, each of whom waits for his answer, would always wait 50 ms.
  void start_node(const fs::path& program, const fs::path& folder, std::size_t number,
                  const std::vector<std::string>& join) {
    const std::string id = node_id(number);
    std::vector<std::string> command{program,
                                     "-node-id",
                                     id,
                                     "-http-addr",
                                     loopback(ports_[number]),
                                     "-raft-addr",
                                     loopback(peer_ports_[number]),
                                     "-write-queue-timeout",
                                     "1ms"};
    command.insert(command.end(), join.begin(), join.end());
    command.push_back(folder / id);
    nodes_.start(command, folder / (id + ".txt"));
  }

  bool find_leader(std::size_t voters) {
    const nlohmann::json nodes = call_json(ports_[0], "GET", "/nodes");
    std::size_t reached = 0;
    bool found = false;
    for (std::size_t number = 0; number < voters; ++number) {
      const nlohmann::json& node = nodes.at(node_id(number));
      if (node.at("voter") == true && node.at("reachable") == true) ++reached;
      if (node.at("leader") != true) continue;
      leader_ = number;
      version_ = node.at("version");
      found = true;
    }
    return found && reached == voters;
  }

  void execute(const std::string& sql) {
    const nlohmann::json answer =
        call_json(port(), "POST", kExecute, nlohmann::json::array({nlohmann::json::array({sql})}).dump());
    if (answer.at("results").at(0).contains("error")) throw std::runtime_error(answer.dump());
  }

  std::unique_ptr<Workload> queued(std::size_t connections, std::string_view path) {
    return std::make_unique<RqliteInserts>(connections, ids_, path, kSmallRowBytes);
  }
};

}  // namespace

std::unique_ptr<Target> start_rqlite(const fs::path& program, const fs::path& folder) {
  return std::make_unique<RqliteTarget>(program, folder);
}

}  // namespace quorate::bench
