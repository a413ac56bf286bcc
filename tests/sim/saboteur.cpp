// What goes wrong, and when.
#include <algorithm>

#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

// Which faults a seed is made of. Some get all of them alike; in others each is left out, usual or frequent, so that those
// that matter together also come together (Groce et al.: "Swarm Testing"). Where leaders are hunted, most are left out.
void World::choose_faults() {
  Random& random = scheduler_.random;
  const bool is_swarm = random.chance(600);
  const std::pair<void (World::*)(), int> usual[] = {
      {&World::crash_some, 2},      {&World::cut_power, 2},         {&World::partition, 2},
      {&World::disturb_network, 1}, {&World::break_log_write, 1},   {&World::delay_answers, 1},
      {&World::jump_clock, 1},      {&World::pause_one, 1},         {&World::fill_disk, 1},
      {&World::corrupt_one, 1},     {&World::disturb_membership, 2}};
  for (const auto& [fault, weight] : usual) {
    const int factors[] = {0, 1, 1, 5};
    const int times = weight * (hunts_leaders_ ? random.between(0, 3) / 3
                                : is_swarm     ? factors[random.between(0, 3)]
                                               : 1);
    faults_.insert(faults_.end(), static_cast<std::size_t>(times), fault);
  }
  faults_.push_back(&World::heal);
  most_us_between_faults_ = random.chance(300) ? 400'000 : 1'200'000;
}

void World::sabotage() {
  if (!disturbs_) return;
  const auto fault = scheduler_.random.between(0, static_cast<std::int64_t>(faults_.size()) - 1);
  (this->*faults_[static_cast<std::size_t>(fault)])();
  later(scheduler_.random.between(20'000, most_us_between_faults_), [this] { sabotage(); });
}

World::Host& World::any_host() {
  return *hosts_[static_cast<std::size_t>(
      scheduler_.random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1))];
}

void World::heal() {
  network_.heal();
  trace("the network heals");
}

void World::jump_clock() {
  Host& host = any_host();
  host.wall_offset_us = scheduler_.random.between(-86'400, 86'400) * kSecond;
  trace("the clock of " + host.config.id + " jumps");
}

void World::pause_one() {
  Host& host = any_host();
  if (!is_up(host)) return;
  const std::int64_t until = scheduler_.now_us() + scheduler_.random.between(10'000, 2 * kSecond);
  host.consensus->block_until(until);
  if (host.writer) host.writer->block_until(until);
  trace(host.config.id + " is paused");
}

void World::fill_disk() {
  Host& host = any_host();
  host.disk->fault = [this, id = host.config.id](std::string_view operation) -> std::optional<Error> {
    if (operation != "prepare" || !scheduler_.random.chance(200)) return std::nullopt;
    trace(id + " cannot prepare");
    if (scheduler_.random.chance(800))
      return Error{.code = ErrorCode::disk_full, .message = "simulated full disk"};
    return Error{.code = ErrorCode::io_error, .message = "simulated I/O error"};
  };
  later(scheduler_.random.between(0, kSecond), [&host] { host.disk->fault = nullptr; });
  trace("the disk of " + host.config.id + " fills");
}

void World::corrupt_one() {
  Host& host = any_host();
  const auto has_content = [](const Member& member) { return member.voter && !member.witness; };
  const bool is_spare = is_whole() && std::ranges::count_if(decided_membership()->members, has_content) > 1;
  if (!host.node || !is_spare || !scheduler_.random.chance(600)) return;
  host.corrupts = true;
  trace(host.config.id + " will compute a wrong row");
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

// Everybody goes down within milliseconds, mostly in the middle of a log write, which is then lost.
void World::cut_power() {
  trace("the power fails");
  for (auto& host : hosts_) {
    if (!is_up(*host)) continue;
    if (scheduler_.random.chance(800)) host->log.next_write = LogDisk::Fault::crash_before_write;
    later(scheduler_.random.between(0, scheduler_.random.chance(500) ? 5'000 : 60'000),
          [this, host = host.get()] {
            if (disturbs_ && is_up(*host) && !host->crash_scheduled) crash(*host, true);
          });
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

// For a seed in which leaders change all the time: much of what they send is lost, or so late that it comes in another term.
void World::roughen_network() {
  Random& random = scheduler_.random;
  if (random.chance(500)) {
    network_.drop_per_thousand = static_cast<int>(random.between(100, 350));
    limits_.append_bytes = 1;
  } else {
    network_.max_delay_us = random.between(40'000, 1'000'000);
    network_.keeps_order = false;
  }
  trace("the network is rough");
}

void World::break_log_write() {
  for (auto& host : hosts_) {
    if (!is_up(*host) || !scheduler_.random.chance(400)) continue;
    host->log.next_write = scheduler_.random.chance(500) ? LogDisk::Fault::crash_before_write
                                                         : LogDisk::Fault::crash_after_write;
  }
}

// The leader hears more and more of the past: answers reach it ever later, until what it sends is lost. It believes in
// its majority longer than the majority believes in it.
void World::delay_answers() {
  Host* slow = leader();
  if (slow == nullptr) return;
  trace("answers reach " + slow->config.id + " late");
  const std::int64_t step_us = to_us(timing_.election_timeout) / 4;
  delay_answers_more(slow->config.id, step_us, scheduler_.random.between(2, 12));
}

void World::delay_answers_more(const NodeId& id, std::int64_t by_us, std::int64_t steps_left) {
  if (!disturbs_) return;
  if (steps_left == 0) {
    for (const auto& other : hosts_) network_.cut(id, other->config.id);
    return trace("what " + id + " sends is lost");
  }
  network_.slow_down_to(id, by_us);
  const std::int64_t step_us = to_us(timing_.election_timeout) / 4;
  later(step_us,
        [this, id, by_us, step_us, steps_left] { delay_answers_more(id, by_us + step_us, steps_left - 1); });
}

// Strikes a new leader soon: after a while, or as soon as it has applied something.
void World::hunt(Host& leader) {
  leader.falls_on_applying = scheduler_.random.chance(400);
  if (leader.falls_on_applying || scheduler_.random.chance(200)) return;
  later(scheduler_.random.between(0, scheduler_.random.chance(500) ? 45'000 : 150'000),
        [this, &leader] { strike(leader); });
}

void World::strike(Host& leader) {
  if (!disturbs_ || !is_up(leader) || leader.crash_scheduled) return;
  if (scheduler_.random.chance(500)) return crash(leader, true);
  isolate(leader);
  later(scheduler_.random.between(50'000, 600'000), [this] { network_.heal(); });
}

void World::calm_down() {
  disturbs_ = false;
  network_.calm(calm_delay_us_);
  for (auto& host : hosts_) {
    host->log.next_write = LogDisk::Fault::none;
    host->disk->fault = nullptr;
    host->corrupts = false;
  }
  run_until(scheduler_.now_us() + 4 * kSecond);  // whoever is down comes back
  trace("all is calm");
}

}  // namespace quorate::sim
