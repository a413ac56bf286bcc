#include "tests/bench/targets.hpp"

#include <fmt/format.h>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/peers/dqlite_target.hpp"
#include "tests/bench/peers/etcd_target.hpp"
#include "tests/bench/peers/rqlite_target.hpp"
#include "tests/bench/plain_targets.hpp"
#include "tests/bench/quorate_target.hpp"
#ifdef QUORATE_BENCH_LIBPQ
#include "tests/bench/postgres_target.hpp"
#endif

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

// A peer is measured when its environment variable names its program, or the folder of its programs.
struct Peer {
  const char* name;
  const char* variable;
  std::function<std::unique_ptr<Target>(const fs::path& program, const fs::path& folder)> start;
};

std::vector<Peer> peers() {
  return {
#ifdef QUORATE_BENCH_LIBPQ
      {"PostgreSQL", "QUORATE_BENCH_POSTGRES", start_postgres},
#endif
      {"rqlite", "QUORATE_BENCH_RQLITED", start_rqlite},
      {"etcd", "QUORATE_BENCH_ETCD", start_etcd},
      {"dqlite", "QUORATE_BENCH_DQLITE_DEMO", start_dqlite},
  };
}

TargetKind quorate_kind(const char* name, Topology topology, const fs::path& server) {
  return {name, [=](const fs::path& folder) {
            return std::make_unique<QuorateTarget>(QuorateOptions{.topology = topology, .binary = server},
                                                   folder);
          }};
}

}  // namespace

std::vector<TargetKind> all_targets(const fs::path& server) {
  std::vector<TargetKind> kinds{quorate_kind(kEmbedded, Topology::embedded, server),
                                quorate_kind(kThreeProcesses, Topology::three_processes, server),
                                quorate_kind(kTwoAndWitness, Topology::two_and_witness, server),
                                {kEcho, start_echo},
                                {kCopies, start_copies}};
  for (const Peer& peer : peers()) {
    const char* const program = std::getenv(peer.variable);
    if (program == nullptr || *program == '\0') {
      fmt::print(stderr, "{} is not measured: {} is not set\n", peer.name, peer.variable);
      continue;
    }
    kinds.push_back({peer.name, [start = peer.start, path = fs::path(program)](const fs::path& folder) {
                       return start(path, folder);
                     }});
  }
#ifndef QUORATE_BENCH_LIBPQ
  fmt::print(stderr, "PostgreSQL is not measured: built without libpq\n");
#endif
  return kinds;
}

}  // namespace quorate::bench
