#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <vector>

#include "tests/bench/curves.hpp"
#include "tests/bench/http.hpp"
#include "tests/bench/process_usage.hpp"
#include "tests/bench/quorate_target.hpp"
#include "tests/bench/run_target.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kRowBytes = 1'000;
constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kSizes[] = {kMegabyte, 100 * kMegabyte, 1'000 * kMegabyte, 10'000 * kMegabyte};
constexpr std::uint64_t kMegabytesPerGib = 1'074;
// What is read and changed is the same at every size, so that only what lies beside it makes the difference: all of the
// smallest database's large rows; and, once there are so many, a gigabyte of them, of which three nodes' worth fits into
// memory.
constexpr std::uint64_t kNarrowRows = kMegabyte / kRowBytes;
constexpr std::uint64_t kWideRows = 1'000 * kNarrowRows;
constexpr std::size_t kMostIdle = 10'000;

// The table keeps its small rows; what is beyond them is as large as it takes.
void over_database_size(const BenchOptions& options, Curves& curves) {
  const ScratchFolder folder(options.folder);
  QuorateTarget target({.topology = Topology::embedded, .binary = options.server}, folder.path());
  std::uint64_t rows = kPreparedRows;
  for (const std::uint64_t bytes : kSizes) {
    if (bytes > options.max_gib * kMegabytesPerGib * kMegabyte || (options.quick && bytes > kMegabyte)) break;
    const std::uint64_t wanted = kPreparedRows + bytes / kRowBytes;
    add_rows(target.port(), rows, wanted, kRowBytes);
    rows = wanted;
    ::sync();  // what is still to be written of them is not measured
    const LoadOptions load{.port = target.port(),
                           .connections = options.connections,
                           .warm_up = options.warm_up,
                           .duration = options.run_time};
    const auto x = static_cast<double>(bytes) / kMegabyte;
    const auto measure = [&](const char* name, Workload& workload) {
      const RunResult run = run_target(target, load, workload);
      curves.add(std::string(name) + ", over the size of the database", "MB in the database", target.name(),
                 x, run, {{"resident_kib", usage_of(target.nodes()).resident_kib}});
    };
    const auto newest = [rows](std::uint64_t count) {
      return RowRange{.count = count, .skipped = rows - count};
    };
    PointQueryWorkload reads(options.connections, "local", newest(kNarrowRows));
    RandomUpdateWorkload updates(options.connections, newest(kNarrowRows));
    measure("SELECT by id, local, one of the newest thousand rows", reads);
    measure("UPDATE one of the newest thousand rows", updates);
    if (rows < kWideRows) continue;
    RandomUpdateWorkload wide_updates(options.connections, newest(kWideRows));
    measure("UPDATE one of the newest million rows", wide_updates);
  }
}

// Each connection has asked once: what it keeps after that is what an idle one costs.
asio::awaitable<void> open_idle(std::vector<HttpConnection>& connections, std::uint16_t port,
                                std::size_t wanted, std::string_view request) {
  while (connections.size() < wanted) {
    HttpConnection& connection = connections.emplace_back(co_await asio::this_coro::executor, port);
    co_await connection.connect();
    co_await connection.exchange(request);
  }
}

void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void over_idle_connections(const BenchOptions& options, Curves& curves) {
  allow_many_files();
  const ScratchFolder folder(options.folder);
  QuorateTarget target({.topology = Topology::embedded,
                        .binary = options.server,
                        .flags = {"--max-connections", "20000", "--idle-timeout-ms", "3600000"}},
                       folder.path());
  asio::io_context context(1);
  std::vector<HttpConnection> connections;
  connections.reserve(kMostIdle);
  const PreparedRequest request("GET", "/readyz", "");
  const std::size_t step = kMostIdle / 10;
  for (std::size_t wanted = 0; wanted <= (options.quick ? step : kMostIdle); wanted += step) {
    context.restart();
    auto opened = asio::co_spawn(context, open_idle(connections, target.port(), wanted, request.bytes()),
                                 asio::use_future);
    context.run();
    opened.get();
    // A brief load beside them: that they idle must not cost the others.
    const LoadOptions load{
        .port = target.port(), .connections = 1, .warm_up = options.warm_up, .duration = options.run_time};
    const auto memory = usage_of(target.nodes()).resident_kib;
    PointQueryWorkload reads(1, "local");
    const RunResult run = run_target(target, load, reads);
    curves.add("SELECT by id, local, beside idle connections", "idle connections", target.name(),
               static_cast<double>(wanted), run, {{"resident_kib", memory}});
  }
}

}  // namespace

void add_size_curves(const BenchOptions& options, Curves& curves) {
  over_database_size(options, curves);
  over_idle_connections(options, curves);
}

}  // namespace quorate::bench
