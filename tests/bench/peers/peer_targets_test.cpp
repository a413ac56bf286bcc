// Real clusters of peers, each where its environment variable names its program.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
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

// Every load gets right answers only, and each workload refuses a wrong one. Returns how many writes were answered.
std::uint64_t check_loads(Target& target) {
  CHECK(target.version().find('.') != std::string::npos);
  CHECK(target.nodes().size() == kPeerNodes);
  std::uint64_t written = 0;
  for (const std::size_t row_bytes : {kSmallRowBytes, kLargeRowBytes}) {
    const auto inserts = target.inserts(kConnections, row_bytes);
    written += run_briefly(target, *inserts);
    CHECK_FALSE(
        inserts->accept(0, {.status = 200, .body = R"({"results":[{"error":"UNIQUE constraint failed"}]})"}));
  }
  for (ExtraLoad& extra : target.extras(kConnections)) {
    written += run_briefly(target, *extra.workload, extra.connections);
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
void check_rows(const std::function<std::uint64_t()>& rows, std::uint64_t written, std::size_t loads) {
  const std::uint64_t least = kPreparedRows + written;
  wait_until("all rows are there", [&] { return rows() >= least; }, {});
  CHECK(rows() <= least + loads * kConnections);
}

void check_all_gone(const std::vector<pid_t>& processes) {
  for (const pid_t process : processes) CHECK(::kill(process, 0) != 0);
}

TEST_CASE("rqlite: three nodes, and every answer right") {
  const std::string program = program_of("QUORATE_BENCH_RQLITED");
  if (program.empty()) return;
  const ScratchFolder folder("peer-tests");
  auto target = start_rqlite(program, folder.path());
  CHECK(target->name() == "rqlite");
  const std::uint64_t written = check_loads(*target);
  const auto rows = [&]() -> std::uint64_t {
    return call_json(target->port(), "POST", "/db/query?level=linearizable",
                     R"(["SELECT COUNT(*) FROM account"])")
        .at("results")[0]["values"][0][0];
  };
  check_rows(rows, written, 2 + target->extras(kConnections).size());
  const std::vector<pid_t> processes = target->nodes();
  target.reset();
  check_all_gone(processes);
}

TEST_CASE("etcd: three nodes, and every answer right") {
  const std::string program = program_of("QUORATE_BENCH_ETCD");
  if (program.empty()) return;
  const ScratchFolder folder("peer-tests");
  auto target = start_etcd(program, folder.path());
  CHECK(target->name() == "etcd");
  const std::uint64_t written = check_loads(*target);
  const std::string all = R"({"key":"AA==","range_end":"AA==","count_only":true})";
  const auto rows = [&] {
    return std::stoull(call_json(target->port(), "POST", "/v3/kv/range", all).at("count").get<std::string>());
  };
  check_rows(rows, written, 2);
  const std::vector<pid_t> processes = target->nodes();
  target.reset();
  check_all_gone(processes);
}

TEST_CASE("dqlite: three nodes, and every answer right") {
  const std::string program = program_of("QUORATE_BENCH_DQLITE_DEMO");
  if (program.empty()) return;
  const ScratchFolder folder("peer-tests");
  auto target = start_dqlite(program, folder.path());
  CHECK(target->name() == "dqlite");
  check_loads(*target);
  const std::vector<pid_t> processes = target->nodes();
  target.reset();
  check_all_gone(processes);
}

}  // namespace
}  // namespace quorate::bench
