#include "tests/bench/peers/dqlite_target.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/http.hpp"
#include "tests/bench/peers/dqlite_wire.hpp"
#include "tests/bench/peers/key_value.hpp"
#include "tests/bench/peers/one_at_a_time.hpp"
#include "tests/bench/peers/peer_target.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

constexpr const char* kDatabase = "demo";  // the demo's own, with a table `model` of keys and values

std::string path_of_key() {
  return fmt::format("/account/{}", kNumber);
}

// A put is an INSERT OR REPLACE with parameters, and a transaction of its own.
class DqlitePuts : public Workload {
 public:
  DqlitePuts(std::size_t connections, IdSource& ids, std::size_t row_bytes)
      : ids_(ids), requests_(connections, PreparedRequest("PUT", path_of_key(), body(row_bytes))) {}

  // dqlite takes one writer at a time, and the demo passes on "database is locked" to whoever comes meanwhile. Trying
  // again and again made it several times slower than waiting.
  std::unique_ptr<Connection> make_connection(const boost::asio::any_io_executor& executor,
                                              std::uint16_t port) override {
    std::shared_ptr<Turns> turns = turns_.lock();
    if (!turns) turns_ = turns = std::make_shared<Turns>();
    return std::make_unique<TakingTurns>(std::make_unique<HttpConnection>(executor, port), turns);
  }
  std::string_view next(std::size_t connection) override {
    const std::uint64_t id = ids_.next();
    requests_[connection].set(0, id);
    requests_[connection].set(1, id);
    return requests_[connection].bytes();
  }
  bool accept(std::size_t /*connection*/, const Response& response) override {
    return response.body == "done";
  }

 private:
  static std::string body(std::size_t row_bytes) {
    return value_of(kSmallestNumber, row_bytes).replace(kKeyBytes - kNumberDigits, kNumberDigits, kNumber);
  }

  IdSource& ids_;
  std::vector<PreparedRequest> requests_;
  std::weak_ptr<Turns> turns_;  // of the connections of one run
};

class DqliteReads : public RowReads {
 public:
  explicit DqliteReads(std::size_t connections)
      : RowReads(connections, PreparedRequest("GET", path_of_key(), "")) {}

  bool accept(std::size_t connection, const Response& response) override {
    return response.body == expected(connection);
  }

 private:
  std::string expected_of(std::uint64_t id) const override { return value_of(id, kSmallRowBytes); }
};

// The demo cannot tell; the library that it has loaded can.
std::string library_version(pid_t process) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path == std::string::npos || !line.contains("/libdqlite.so")) continue;
    const std::unique_ptr<void, decltype(&::dlclose)> library(
        ::dlopen(line.c_str() + path, RTLD_LAZY | RTLD_LOCAL), &::dlclose);
    if (!library) break;
    const auto version = reinterpret_cast<int (*)()>(::dlsym(library.get(), "dqlite_version_number"));
    if (version == nullptr) break;
    const int number = version();  // 11806 for 1.18.6
    return fmt::format("{}.{}.{}", number / 10'000, number / 100 % 100, number % 100);
  }
  return "unknown";
}

class DqliteTarget : public PeerTarget {
 public:
  DqliteTarget(const fs::path& program, const fs::path& folder) {
    for (std::size_t number = 0; number < kPeerNodes; ++number) start_node(program, folder, number);
    nodes_.wait_for("three dqlite nodes vote", [this] { return find_leader(); });
    version_ = library_version(nodes().front()) + ", through its Go demo";
    const std::uint64_t rows = dqlite_execute(
        peer_ports_[leader_], kDatabase,
        fmt::format(
            "INSERT INTO model(key, value) WITH RECURSIVE row(id) AS (SELECT {} UNION ALL SELECT id + 1 FROM "
            "row WHERE id < {}) SELECT 'account/' || id, 'account/' || id || '{}' FROM row",
            kSmallestNumber, kSmallestNumber + kPreparedRows - 1,
            value_of(kSmallestNumber, kSmallRowBytes).substr(kKeyBytes)));
    if (rows != kPreparedRows) throw std::runtime_error("dqlite did not insert its rows");
  }

  std::string name() const override { return "dqlite"; }
  std::string durability() const override {
    return "flushed (Raft log, O_DSYNC) by a majority, and applied by the leader; writes one after the "
           "other, since "
           "the demo refuses others meanwhile; reads ask the leader, which does not ask whether it still is";
  }
  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override {
    return std::make_unique<DqlitePuts>(connections, ids_, row_bytes);
  }
  // All nodes send reads to the leader.
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind kind) override {
    if (kind == ReadKind::local) return nullptr;
    return std::make_unique<DqliteReads>(connections);
  }

 private:
  // A node opens its HTTP port when it has come into the cluster.
  void start_node(const fs::path& program, const fs::path& folder, std::size_t number) {
    std::vector<std::string> command{
        program, "--api", loopback(ports_[number]), "--db", loopback(peer_ports_[number]), "--dir", folder};
    if (number > 0) command.insert(command.end(), {"--join", loopback(peer_ports_[0])});
    nodes_.start(command, folder / (node_id(number) + ".txt"));
    nodes_.wait_for("a dqlite node joins", [&] {
      call(ports_[number], PreparedRequest("GET", "/none", ""));
      return true;
    });
  }

  bool find_leader() {
    const std::string leader = dqlite_leader(peer_ports_[0]);
    for (std::size_t number = 0; number < kPeerNodes; ++number) {
      if (leader == loopback(peer_ports_[number])) leader_ = number;
    }
    return !leader.empty() && dqlite_voters(peer_ports_[leader_]) == kPeerNodes;
  }
};

}  // namespace

std::unique_ptr<Target> start_dqlite(const fs::path& program, const fs::path& folder) {
  return std::make_unique<DqliteTarget>(program, folder);
}

}  // namespace quorate::bench
