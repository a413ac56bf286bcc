// What goes wrong, and when.
#include <algorithm>

#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

void World::sabotage() {
  if (!disturbs_) return;
  Random& random = scheduler_.random;
  Host& host =
      *hosts_[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1))];
  switch (random.between(0, 13)) {
    case 0:
    case 1: crash_some(); break;
    case 2:
    case 3: partition(); break;
    case 4: disturb_network(); break;
    case 5:
      network_.heal();
      trace("the network heals");
      break;
    case 6: break_log_write(); break;
    case 11: delay_answers(); break;
    case 7:
      host.wall_offset_us = random.between(-86'400, 86'400) * kSecond;
      trace("the clock of " + host.config.id + " jumps");
      break;
    case 8:
      if (is_up(host)) {
        const std::int64_t until = scheduler_.now_us() + random.between(10'000, 2 * kSecond);
        host.consensus->block_until(until);
        if (host.writer) host.writer->block_until(until);
        trace(host.config.id + " is paused");
      }
      break;
    case 9:
      host.disk->fault = [this, id = host.config.id](std::string_view operation) -> std::optional<Error> {
        if (operation != "prepare" || !scheduler_.random.chance(200)) return std::nullopt;
        trace(id + " cannot prepare");
        if (scheduler_.random.chance(800))
          return Error{.code = ErrorCode::disk_full, .message = "simulated full disk"};
        return Error{.code = ErrorCode::io_error, .message = "simulated I/O error"};
      };
      later(random.between(0, kSecond), [&host] { host.disk->fault = nullptr; });
      trace("the disk of " + host.config.id + " fills");
      break;
    case 10:
      if (host.node && random.chance(300)) {
        host.corrupts = true;
        trace(host.config.id + " will compute a wrong row");
      }
      break;
    case 12:
    case 13: disturb_membership(); break;
  }
  later(random.between(20'000, 1'200'000), [this] { sabotage(); });
}

void World::crash_some() {
  const bool leader_only = scheduler_.random.chance(400);
  const bool all = scheduler_.random.chance(100);
  for (auto& host : hosts_) {
    if (!is_up(*host) || host->crash_scheduled) continue;
    if (!all && (leader_only ? host->view().leadership.role != Role::leader : !scheduler_.random.chance(400)))
      continue;
    crash(*host, true);
  }
}

void World::partition() {
  network_.heal();
  const bool one_way = scheduler_.random.chance(300);
  std::set<NodeId> side;
  for (const auto& host : hosts_) {
    if (scheduler_.random.chance(500)) side.insert(host->config.id);
  }
  for (const auto& from : hosts_) {
    for (const auto& to : hosts_) {
      const bool crosses = side.contains(from->config.id) && !side.contains(to->config.id);
      if (!crosses) continue;
      network_.cut(from->config.id, to->config.id);
      if (!one_way) network_.cut(to->config.id, from->config.id);
    }
  }
  trace("the network is cut");
}

void World::disturb_network() {
  Random& random = scheduler_.random;
  network_.drop_per_thousand = random.chance(500) ? 0 : static_cast<int>(random.between(1, 300));
  network_.duplicate_per_thousand = random.chance(500) ? 0 : static_cast<int>(random.between(1, 300));
  network_.max_delay_us = random.chance(500) ? 2'000 : random.between(2'000, 1'500'000);
  trace("the network is disturbed");
}

void World::break_log_write() {
  for (auto& host : hosts_) {
    if (!is_up(*host) || !scheduler_.random.chance(400)) continue;
    host->log.next_write = scheduler_.random.chance(500) ? LogDisk::Fault::crash_before_write
                                                         : LogDisk::Fault::crash_after_write;
  }
}

// The leader hears the past: answers reach it late, while what it sends is lost. It believes in its majority longer
// than the majority believes in it.
void World::delay_answers() {
  Host* slow = leader();
  if (slow == nullptr) return;
  const NodeId id = slow->config.id;
  network_.slow_down_to(id, scheduler_.random.between(500'000, 1'500'000));
  trace("answers reach " + id + " late");
  later(scheduler_.random.between(100'000, 700'000), [this, id] {
    if (!disturbs_) return;
    for (const auto& other : hosts_) network_.cut(id, other->config.id);
    trace("what " + id + " sends is lost");
  });
}

void World::hunt(Host& leader) {
  if (scheduler_.random.chance(200)) return;
  later(scheduler_.random.between(0, scheduler_.random.chance(500) ? 45'000 : 150'000), [this, &leader] {
    if (!disturbs_ || !is_up(leader) || leader.crash_scheduled) return;
    if (scheduler_.random.chance(700)) return crash(leader, true);
    isolate(leader);
    later(scheduler_.random.between(50'000, 600'000), [this] { network_.heal(); });
  });
}

void World::calm_down() {
  disturbs_ = false;
  network_.calm();
  for (auto& host : hosts_) {
    host->log.next_write = LogDisk::Fault::none;
    host->disk->fault = nullptr;
    host->corrupts = false;
  }
  run_until(scheduler_.now_us() + 4 * kSecond);  // whoever is down comes back
  trace("all is calm");
}

}  // namespace quorate::sim
