// Real clusters of peers, each where its environment variable names its program.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/http.hpp"
#include "tests/bench/peers/dqlite_target.hpp"
#include "tests/bench/peers/etcd_target.hpp"
#include "tests/bench/peers/peer_target.hpp"
#include "tests/bench/peers/rqlite_target.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

constexpr std::size_t kConnections = 4;
constexpr std::uint64_t kOperations = 50;  // of each load
constexpr std::size_t kLargeRowBytes = 1'024;

// The program that the variable names, empty when it is not set: then there is nothing to test.
std::string program_of(const char* variable) {
  const char* const program = std::getenv(variable);
  if (program == nullptr) MESSAGE(std::string(variable), " is not set");
  return program == nullptr ? "" : program;
}

std::uint64_t run_briefly(const Target& target, Workload& workload, std::size_t connections = kConnections) {
  LoadOptions options;
  options.port = target.port();
  options.connections = connections;
  options.operations = kOperations;
  options.duration = std::chrono::seconds(30);
  const RunResult result = run_load(options, workload);
  CHECK_MESSAGE(result.errors == 0, result.first_error);
  CHECK(result.operations >= kOperations);
  return result.operations;
}

struct Written {
  std::uint64_t answers = 0;
  std::size_t loads = 0;

  void add(std::uint64_t more) {
    answers += more;
    ++loads;
  }
};

// Every load gets right answers only, and each workload refuses a wrong one. Returns what was written.
Written check_loads(Target& target) {
  Written written;
  for (const std::size_t row_bytes : {kSmallRowBytes, kLargeRowBytes}) {
    const auto inserts = target.inserts(kConnections, row_bytes);
    written.add(run_briefly(target, *inserts));
    CHECK_FALSE(
        inserts->accept(0, {.status = 200, .body = R"({"results":[{"error":"UNIQUE constraint failed"}]})"}));
  }
  for (ExtraLoad& extra : target.extras(kConnections)) {
    written.add(run_briefly(target, *extra.workload, extra.connections));
  }
  for (const ReadKind kind : {ReadKind::local, ReadKind::linearizable}) {
    const auto reads = target.reads(kConnections, kind);
    if (!reads) continue;
    run_briefly(target, *reads);
    reads->next(0);
    CHECK_FALSE(reads->accept(0, {.status = 200, .body = R"({"results":[{"values":[]}]})"}));
  }
  return written;
}

// Waits until there are as many rows as were written: a queued write may come later. At most one more for each connection
// and load was answered after the load's end.
void check_rows(const std::function<std::uint64_t()>& rows, const Written& written) {
  const std::uint64_t least = kPreparedRows + written.answers;
  wait_until("all rows are there", [&] { return rows() >= least; }, {});
  CHECK(rows() <= least + written.loads * kConnections);
}

using Start = std::unique_ptr<Target>(const std::filesystem::path& program,
                                      const std::filesystem::path& folder);
using CountRows = std::uint64_t(std::uint16_t port);

// A peer that cannot be asked for its rows has no `count_rows`.
void check_peer(const std::string& name, const char* variable, Start& start, CountRows* count_rows) {
  const std::string program = program_of(variable);
  if (program.empty()) return;
  const ScratchFolder folder("peer-tests");
  auto target = start(program, folder.path());
  CHECK(target->name() == name);
  CHECK(target->version().find('.') != std::string::npos);
  CHECK(target->nodes().size() == kPeerNodes);
  const Written written = check_loads(*target);
  if (count_rows != nullptr) check_rows([&] { return count_rows(target->port()); }, written);
  const std::vector<pid_t> processes = target->nodes();
  target.reset();
  for (const pid_t process : processes) CHECK(::kill(process, 0) != 0);
}

std::uint64_t count_rqlite_rows(std::uint16_t port) {
  return call_json(port, "POST", "/db/query?level=linearizable", R"(["SELECT COUNT(*) FROM account"])")
      .at("results")[0]["values"][0][0];
}

std::uint64_t count_etcd_keys(std::uint16_t port) {
  const std::string all = R"({"key":"AA==","range_end":"AA==","count_only":true})";
  return std::stoull(call_json(port, "POST", "/v3/kv/range", all).at("count").get<std::string>());
}

TEST_CASE("rqlite: three nodes, and every answer right") {
  check_peer("rqlite", "QUORATE_BENCH_RQLITED", start_rqlite, count_rqlite_rows);
}

TEST_CASE("etcd: three nodes, and every answer right") {
  check_peer("etcd", "QUORATE_BENCH_ETCD", start_etcd, count_etcd_keys);
}

TEST_CASE("dqlite: three nodes, and every answer right") {
  check_peer("dqlite", "QUORATE_BENCH_DQLITE_DEMO", start_dqlite, nullptr);
}

}  // namespace
}  // namespace quorate::bench
