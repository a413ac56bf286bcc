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
  hunts_leaders_ = random.chance(450);
  const std::int64_t sizes[] = {3, 3, 3, 3, 5, 2};
  const std::int64_t size = sizes[random.between(0, hunts_leaders_ ? 4 : 5)];
  embedded_ = random.chance(500);
  network_.keeps_order = random.chance(500);
  network_.tells_of_crashes = random.chance(500);
  if (random.chance(500)) limits_.append_bytes = 1;  // one entry a message
  if (hunts_leaders_) {
    timing_.election_timeout = std::chrono::milliseconds(150);
    timing_.heartbeat = std::chrono::milliseconds(30);
    network_.max_delay_us = 40'000;
    network_.keeps_order = random.chance(300);
    if (random.chance(500)) limits_.append_bytes = 1;
  }
  choose_faults();
  if (random.chance(500)) calm_delay_us_ = 20'000;
  if (random.chance(750)) calm_pause_us_ = 500'000;
  misreads_left_ = random.between(0, 2);
  slow_disk_per_thousand_ = random.chance(300) ? 20 : 0;
  const auto mode = random.chance(400) ? ConsistencyMode::dual_write : ConsistencyMode::quorum;
  const bool has_witness = size <= 3 && random.chance(300);
  const bool has_spare = random.chance(400);
  limits_.flush_entries = static_cast<std::size_t>(random.between(3, 60));
  limits_.snapshot_piece_bytes =
      static_cast<std::size_t>(random.between(500, 5'000));  // so that a transfer is often interrupted
  if (random.chance(500))
    limits_.snapshot_bytes_per_second = static_cast<std::uint64_t>(random.between(30'000, 300'000));
  // With a witness the log may be all that there is of a dead node's data: it is kept.
  if (!has_witness && random.chance(500)) limits_.log_retain_bytes = 4'000;
  if (random.chance(200)) {  // many clients that come back soon, and batches that wait for them
    hurried_clients_ = 800;
    limits_.batch_part_transactions = static_cast<std::size_t>(random.between(1, 3));
    timing_.gather = std::chrono::milliseconds(100);
  }
  degrades_ = random.chance(500);
  const auto count =
      static_cast<std::size_t>(size + (has_witness && size == 2 ? 1 : 0) + (has_spare ? 1 : 0));

  for (std::size_t i = 0; i < (embedded_ ? 1 : count); ++i) {
    coordinators_.push_back(std::make_unique<MultiDbCoordinator>(
        MultiDbCoordinator::Options{.executor = executor_,
                                    .limits = {},
                                    .leader_wait = timing_.election_timeout,
                                    .on_node_down = [this](const NodeId& id, NodeState state,
                                                           const Error& why) { on_down(id, state, why); }}));
  }
  for (std::size_t i = 1; i <= count; ++i) {
    hosts_.push_back(std::make_unique<Host>());
    Host& host = *hosts_.back();
    host.config = {.id = "n" + std::to_string(i), .preferred_master = i == 1, .database = {}, .log = {}};
    host.is_out = has_spare && i == count;
    host.is_witness = has_witness && !host.is_out && i == count - (has_spare ? 1 : 0);
    host.log.instance = random.next();
    host.snapshots.misreads = [this] {
      return misreads_left_ > 0 && scheduler_.random.chance(50) && misreads_left_-- > 0;
    };
    host.log.on_write = [this, &host] {
      if (disturbs_ && scheduler_.random.chance(slow_disk_per_thousand_)) {
        host.consensus->block_until(scheduler_.now_us() + scheduler_.random.between(1'000, 900'000));
      }
    };
  }
  memberships_[0] = first_membership();
  first_mode_ = mode;
  for (auto& host : hosts_) {
    if (!host->is_out) begin(*host);
  }
}

World::~World() {
  clients_run_ = false;  // who is answered only now, by a callback that is dropped, asks for nothing more
  for (auto& host : hosts_) {
    if (is_up(*host)) crash(*host, false);
  }
}

void World::start(Host& host) {
  host.crash_scheduled = false;
  host.checked_leader_term = 0;
  host.checked_commit = 0;
  host.checked_views = 0;
  host.falls_on_applying = false;
  host.consensus = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  if (host.is_witness) return start_witness(host);
  host.writer = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  host.readers = std::make_unique<SimExecutor>(scheduler_, host.wall_offset_us);
  MultiDbCoordinator& coordinator = coordinator_of(host);
  if (host.snapshots.complete) {
    ++summary_.snapshots;
    host.repairs = false;
  }
  auto node = DbNode::open(
      {.node = host.config,
       .limits = limits_,
       .timing = timing_,
       .dual_write_degrade = degrades_,
       .repair = host.repairs,
       .engine_name = "memory",
       .engine = std::make_unique<SimEngine>(
           host.disk, host.snapshots, [this, &host](const Batch& batch) { see_prepare(host, batch); },
           [this, &host](const Batch& batch) { return see_extension(host, batch); }),
       .log = std::make_unique<SimLogStore>(host.log),
       .snapshots = std::make_unique<SimSnapshotStore>(host.snapshots),
       .consensus = *host.consensus,
       .writer = *host.writer,
       .readers = *host.readers,
       .transport = network_,
       .observer = coordinator.observer(),
       .broken = broken_});
  if (!node) throw Violation(host.config.id + " does not start: " + node.error().message);
  host.node = std::move(*node);
  host.checked_applied = host.node->applied_index();
  network_.attach(host.config.id, *host.node);
  coordinator.attach(*host.node);
  host.node->start();
  trace(host.config.id + " starts at " + std::to_string(host.checked_applied));
}

void World::start_witness(Host& host) {
  auto witness = WitnessNode::open({.id = host.config.id,
                                    .cluster_id = "simulated",
                                    .limits = limits_,
                                    .timing = timing_,
                                    .log = std::make_unique<SimLogStore>(host.log),
                                    .consensus = *host.consensus,
                                    .transport = network_,
                                    .observer = coordinator_of(host).observer(),
                                    .broken = broken_});
  if (!witness) throw Violation(host.config.id + " does not start: " + witness.error().message);
  host.witness = std::move(*witness);
  network_.attach(host.config.id, *host.witness);
  coordinator_of(host).attach(*host.witness);
  host.witness->start();
  trace("witness " + host.config.id + " starts");
}

void World::on_down(const NodeId& id, NodeState state, const Error& why) {
  for (auto& each : hosts_) {
    Host& host = *each;
    if (host.config.id != id || std::exchange(host.crash_scheduled, true)) continue;
    trace(id + " down: " + why.message);
    const Member* member = decided_membership()->find(id);
    if (state == NodeState::removed && member != nullptr && member->instance == host.log.instance)
      throw Violation(id + " believes that it has been removed, and is a member");
    // Its process may take a while to notice; meanwhile it can still be asked.
    later(scheduler_.random.between(0, 3) == 0 ? scheduler_.random.between(0, 20'000) : 0,
          [this, &host, state] {
            if (!is_up(host)) return;
            if (state == NodeState::failed) return crash(host, true);
            if (state == NodeState::removed) return;  // reconcile() sees to it
            if (state == NodeState::quarantined) ++summary_.quarantines;
            host.repairs = host.repairs || state == NodeState::quarantined;
            close(host);
            start(host);
          });
  }
}

void World::see_prepare(Host& host, const Batch& batch) {
  for (const TimedTransaction& timed : batch) prepared_[timed.transaction.id].insert(host.config.id);
  // The leader's result is the one that counts, so only a follower's can be wrong.
  const bool corrupts = host.corrupts && !batch.empty() && !host.node->leads();
  host.disk->corrupt_next_batch = corrupts;
  if (corrupts) host.corrupts = false;
}

// False: the engine is to ask for all of it again.
bool World::see_extension(Host& host, const Batch& more) {
  ++summary_.extensions;
  see_prepare(host, more);
  return !scheduler_.random.chance(200);
}

void World::close(Host& host) {
  if (host.node) host.node->stop();
  if (host.witness) host.witness->stop();
  network_.detach(host.config.id);
  if (scheduler_.random.chance(500)) network_.lose_in_flight_from(host.config.id);
  coordinator_of(host).detach(host.config.id, "failed", "crashed");
  host.consensus.reset();
  host.writer.reset();
  host.readers.reset();
  host.node.reset();
  host.witness.reset();
  host.disk->fault = nullptr;
  host.corrupts = false;
}

// A power cut: the process is gone, and with it what the database had not made durable.
void World::crash(Host& host, bool restarts) {
  trace(host.config.id + " crashes");
  ++summary_.crashes;
  close(host);
  host.disk->crash(scheduler_.random.next() % 200);
  host.snapshots.crash(scheduler_.random.next());
  if (!restarts) return;
  later(scheduler_.random.between(10'000, hunts_leaders_ ? 600'000 : 3 * kSecond), [this, &host] {
    if (!is_up(host) && !host.is_out) start(host);
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
  const auto is_done = [&done] { return done; };
  if (!run_until_true(is_done, limit_us)) throw Violation(std::string("no progress: ") + what);
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
  for (auto& host : hosts_) {
    if (!host->is_out) start(*host);
  }
  create_tables();
  reconcile();
  clients_run_ = true;
  disturbs_ = true;
  if (hunts_leaders_) roughen_network();
  const auto clients = static_cast<int>(scheduler_.random.between(2, hurried_clients_ > 0 ? 20 : 8));
  for (int client = 0; client < clients; ++client) run_client(client);
  later(scheduler_.random.between(0, kSecond), [this] { sabotage(); });
  run_until(scheduler_.now_us() + scheduler_.random.between(4, hunts_leaders_ ? 20 : 12) * kSecond);
  calm_down();
  check_progress();
  check_membership();
  check_transfer();
  check_cut_off_follower();
  check_cut_off_leader();
  clients_run_ = false;
  run_until(scheduler_.now_us() + 5 * kSecond);  // the last requests are answered
  check_membership();
  check_restore();
  check_outcome();
  summary_.events = scheduler_.events_run();
  summary_.leaders = leaders_.size();
  return summary_;
}

}  // namespace quorate::sim
