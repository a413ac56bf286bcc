#include "tests/sim/world.hpp"

#include <cstdio>
#include <functional>
#include <utility>

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

World::World(std::uint64_t seed, std::optional<Rule> broken, bool verbose)
    : scheduler_(seed),
      executor_(scheduler_, no_offset_),
      network_(scheduler_, executor_),
      broken_(broken),
      verbose_(verbose) {
  Random& random = scheduler_.random;
  const std::int64_t sizes[] = {3, 3, 3, 3, 5, 2};
  const std::int64_t size = sizes[random.between(0, 5)];
  embedded_ = random.chance(500);
  network_.keeps_order = random.chance(500);
  network_.tells_of_crashes = random.chance(500);
  if (random.chance(500)) limits_.append_bytes = 1;  // one entry a message
  hunts_leaders_ = random.chance(300);
  if (hunts_leaders_) {
    timing_.election_timeout = std::chrono::milliseconds(150);
    timing_.heartbeat = std::chrono::milliseconds(30);
    network_.max_delay_us = 40'000;
    network_.keeps_order = false;
  }
  slow_disk_per_thousand_ = random.chance(300) ? 20 : 0;
  const auto mode = random.chance(400) ? ConsistencyMode::dual_write : ConsistencyMode::quorum;
  std::vector<std::string> ids;
  for (std::int64_t i = 1; i <= size; ++i) ids.push_back("n" + std::to_string(i));

  for (std::size_t i = 0; i < (embedded_ ? 1 : ids.size()); ++i) {
    coordinators_.push_back(std::make_unique<MultiDbCoordinator>(MultiDbCoordinator::Options{
        .executor = executor_,
        .nodes = ids,
        .limits = {},
        .on_node_down = [this](const std::string& id, const Error& why) {
          for (auto& host : hosts_) {
            if (host->config.id != id || std::exchange(host->crash_scheduled, true)) continue;
            const bool quarantine = why.code == ErrorCode::quarantined;
            trace(id + " down: " + why.message);
            later(0, [this, &host = *host, quarantine] {
              if (quarantine) ++summary_.quarantines;
              host.quarantined = quarantine;
              if (is_up(host)) crash(host, !quarantine);
            });
          }
        }}));
  }
  for (const std::string& id : ids) {
    hosts_.push_back(std::make_unique<Host>());
    Host& host = *hosts_.back();
    host.config = {.id = id, .preferred_master = id == "n1", .database = {}, .log = {}};
    host.log.on_write = [this, &host] {
      if (disturbs_ && scheduler_.random.chance(slow_disk_per_thousand_)) {
        host.consensus->block_until(scheduler_.now_us() + scheduler_.random.between(1'000, 900'000));
      }
    };
    MemoryEngine engine(host.disk);
    const ClusterMeta meta{
        .cluster_id = "simulated", .node_id = id, .role = id == "n1" ? "master" : "backup", .mode = mode};
    if (!engine.write_meta(meta)) throw Violation("the meta cannot be written");
  }
}

World::~World() {
  for (auto& host : hosts_) {
    if (is_up(*host)) crash(*host, false);
  }
}

void World::start(Host& host) {
  host.consensus = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  host.writer = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  host.readers = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  std::vector<NodeId> members;
  for (const auto& other : hosts_) members.push_back(other->config.id);
  MultiDbCoordinator& coordinator = coordinator_of(host);
  auto node = DbNode::open({.node = host.config,
                            .members = std::move(members),
                            .limits = limits_,
                            .timing = timing_,
                            .engine_name = "memory",
                            .engine = std::make_unique<SimEngine>(
                                host.disk, [this, &host](const Batch& batch) { see_prepare(host, batch); }),
                            .log = std::make_unique<SimLogStore>(host.log),
                            .consensus = *host.consensus,
                            .writer = *host.writer,
                            .readers = *host.readers,
                            .transport = network_,
                            .observer = coordinator.observer(),
                            .broken = broken_});
  if (!node) throw Violation(host.config.id + " does not start: " + node.error().message);
  host.node = std::move(*node);
  host.crash_scheduled = false;
  host.checked_applied = host.node->applied_index();
  host.checked_leader_term = 0;
  host.checked_commit = 0;
  network_.attach(host.config.id, *host.node);
  coordinator.attach(*host.node);
  host.node->start();
  trace(host.config.id + " starts at " + std::to_string(host.checked_applied));
}

void World::see_prepare(Host& host, const Batch& batch) {
  for (const TimedTransaction& timed : batch) prepared_[timed.transaction.id].insert(host.config.id);
  // The leader's result is the one that counts, so only a follower's can be wrong.
  const bool corrupts = host.corrupts && !batch.empty() && !host.node->leads();
  host.disk->corrupt_next_batch = corrupts;
  if (corrupts) host.corrupts = false;
}

// A power cut: the process is gone, and with it what the database had not made durable.
void World::crash(Host& host, bool restarts) {
  trace(host.config.id + " crashes");
  ++summary_.crashes;
  host.node->stop();
  network_.detach(host.config.id);
  if (scheduler_.random.chance(500)) network_.lose_in_flight_from(host.config.id);
  for (auto& coordinator : coordinators_) coordinator->detach(host.config.id, "failed", "crashed");
  host.consensus.reset();
  host.writer.reset();
  host.readers.reset();
  host.node.reset();
  host.disk->crash(scheduler_.random.next() % 200);
  host.disk->fault = nullptr;
  host.corrupts = false;
  if (!restarts) return;
  later(scheduler_.random.between(10'000, hunts_leaders_ ? kSecond / 3 : 3 * kSecond), [this, &host] {
    if (!is_up(host)) start(host);
  });
}

void World::trace(const std::string& text) {
  summary_.trace = digest_of(std::to_string(scheduler_.now_us()) + text + std::to_string(summary_.trace)).low;
  if (verbose_)
    std::printf("%10.3f ms  %s\n", static_cast<double>(scheduler_.now_us()) / 1000.0, text.c_str());
}

void World::run_until(std::int64_t when_us) {
  while (scheduler_.now_us() < when_us && scheduler_.step()) check_step();
}

void World::run_until_done(const bool& done, std::int64_t limit_us, const char* what) {
  const std::int64_t end = scheduler_.now_us() + limit_us;
  while (!done && scheduler_.now_us() < end && scheduler_.step()) check_step();
  if (!done) throw Violation(std::string("no progress: ") + what);
}

MultiDbCoordinator& World::coordinator_of(const Host& host) {
  return *coordinators_[embedded_ ? 0 : static_cast<std::size_t>(std::stoi(host.config.id.substr(1)) - 1)];
}

// Mostly the one of the leader's process, as a client that has been told; in calm always.
MultiDbCoordinator& World::coordinator_for_client() {
  if (coordinators_.size() == 1) return *coordinators_.front();
  const bool informed = !disturbs_ || scheduler_.random.chance(600);
  const Host* host = informed ? leader() : nullptr;
  if (host != nullptr) return coordinator_of(*host);
  return *coordinators_[static_cast<std::size_t>(
      scheduler_.random.between(0, static_cast<std::int64_t>(coordinators_.size()) - 1))];
}

Summary World::run() {
  for (auto& host : hosts_) start(*host);
  create_tables();
  clients_run_ = true;
  disturbs_ = true;
  const auto clients = static_cast<int>(scheduler_.random.between(2, 8));
  for (int client = 0; client < clients; ++client) run_client(client);
  later(scheduler_.random.between(0, kSecond), [this] { sabotage(); });
  run_until(scheduler_.now_us() + scheduler_.random.between(4, 12) * kSecond);
  calm_down();
  check_progress();
  check_cut_off_follower();
  check_cut_off_leader();
  clients_run_ = false;
  run_until(scheduler_.now_us() + 5 * kSecond);  // the last requests are answered, everybody catches up
  check_outcome();
  summary_.events = scheduler_.events_run();
  summary_.leaders = leaders_.size();
  return summary_;
}

}  // namespace quorate::sim
