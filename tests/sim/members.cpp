// Who takes part: nodes that join, are removed, lose their files and come back as another instance.
#include <algorithm>

#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
// The network and a pause may hold up a request for so long.
constexpr std::int64_t kSlowestRequestUs = 4 * kSecond;

}  // namespace

Membership World::first_membership() const {
  Membership membership;
  for (const auto& host : hosts_) {
    if (host->is_out) continue;
    membership.put({.id = host->config.id,
                    .instance = host->log.instance,
                    .witness = host->is_witness,
                    .preferred = host->config.preferred_master});
  }
  return membership;
}

// What the log has decided last, as far as anybody has applied it.
const Membership* World::decided_membership() {
  return memberships_.empty() ? nullptr : &memberships_.rbegin()->second;
}

// New files for a node that has none: it knows which cluster it belongs to, and nothing else.
void World::begin(Host& host) {
  const Membership& membership = *decided_membership();
  host.log.membership = membership;
  host.is_out = false;
  if (host.is_witness) return;
  MemoryEngine engine(host.disk);
  const ClusterMeta meta{.cluster_id = "simulated",
                         .node_id = host.config.id,
                         .role = host.config.preferred_master ? "master" : "backup",
                         .mode = first_mode_,
                         .membership = membership};
  if (!engine.write_meta(meta)) throw Violation("the meta cannot be written");
}

// Everything is lost: what comes back is another instance.
void World::wipe(Host& host) {
  trace(host.config.id + " loses its files");
  ++summary_.wipes;
  if (is_up(host)) crash(host, false);
  host.disk = std::make_shared<MemoryDisk>();
  auto misreads = std::move(host.snapshots.misreads);
  host.snapshots = {};
  host.snapshots.misreads = std::move(misreads);
  auto on_write = std::move(host.log.on_write);
  host.log = {};
  host.log.on_write = std::move(on_write);
  host.log.instance = scheduler_.random.next();
  host.repairs = false;
  host.is_out = true;
  host.joins = true;
}

// What an operator does: a node that has been removed gets new files after a while, and those without files join.
void World::reconcile() {
  if (const Membership* decided = decided_membership(); decided != nullptr) {
    for (auto& host : hosts_) {
      if (host->is_out) {
        if (host->joins || !disturbs_ || scheduler_.random.chance(200)) join(*host);
        continue;
      }
      const Member* member = decided->find(host->config.id);
      if (member != nullptr && member->instance == host->log.instance) continue;
      const bool newer = std::ranges::any_of(hosts_, [&](const auto& other) {
        const Member* decided_other = decided->find(other->config.id);
        return other != host && decided_other != nullptr && decided_other->instance == other->log.instance &&
               is_up(*other) && other->view().membership != nullptr &&
               other->view().membership->find(host->config.id) != nullptr;
      });
      if (!newer && (!disturbs_ || scheduler_.random.chance(200))) wipe(*host);
    }
  }
  later(scheduler_.random.between(300'000, kSecond), [this] { reconcile(); });
}

void World::join(Host& host) {
  host.joins = true;
  const Membership* decided = decided_membership();
  const Member* member = decided->find(host.config.id);
  if (member != nullptr && member->instance == host.log.instance) {
    host.joins = false;
    begin(host);
    return start(host);
  }
  Host& asked = *hosts_[static_cast<std::size_t>(
      scheduler_.random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1))];
  if (!asked.node) return;
  const Member wanted{.id = host.config.id,
                      .instance = host.log.instance,
                      .witness = host.is_witness,
                      .preferred = host.config.preferred_master};
  coordinator_of(asked).change_member({.member = wanted}, deadline_at(scheduler_.now_us() + kSecond),
                                      [this, id = host.config.id](const Result<std::uint64_t>& index) {
                                        trace(id + (index ? " joins at " + std::to_string(*index)
                                                          : " cannot join: " + index.error().message));
                                      });
}

// At most one member has less than it should: what is acknowledged is on a majority without it.
bool World::is_whole() {
  const Membership* decided = decided_membership();
  const auto well = [&](const Member& member) {
    if (!member.voter || member.out) return false;
    return std::ranges::any_of(hosts_, [&](const auto& host) {
      return host->config.id == member.id && !host->is_out && host->log.instance == member.instance &&
             !host->repairs && !host->corrupts;
    });
  };
  const auto changes = [&](const auto& host) {
    return std::ranges::any_of(host->log.entries, [&](const Entry& entry) {
      return entry.kind == EntryKind::membership && entry.index > memberships_.rbegin()->first;
    });
  };
  // What was asked for lately may be in nobody's log yet.
  if (scheduler_.now_us() < removal_possible_until_us_) return false;
  if (std::ranges::any_of(hosts_, changes)) return false;
  return std::ranges::none_of(hosts_, &Host::joins) && std::ranges::all_of(decided->members, well);
}

void World::disturb_membership() {
  Random& random = scheduler_.random;
  Host& host =
      *hosts_[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1))];
  Host& asked =
      *hosts_[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1))];
  const bool may_lose_one = decided_membership()->voters() > 2 && is_whole() && !host.is_out;
  if (random.chance(300)) {
    if (may_lose_one) wipe(host);
    return;
  }
  if (!asked.node) return;
  const auto deadline = deadline_at(scheduler_.now_us() + kSecond);
  const auto done = [this, id = host.config.id](const char* what, const Result<std::uint64_t>& index) {
    if (index) ++summary_.changes;
    trace(std::string(what) + id + (index ? ": done" : ": " + index.error().message));
  };
  if (random.chance(600)) {
    coordinator_of(asked).transfer_leadership(
        host.config.id, deadline,
        [done](const Result<std::uint64_t>& index) { done("transfer to ", index); });
    return;
  }
  if (!may_lose_one) return;
  removal_possible_until_us_ = to_us(deadline) + kSlowestRequestUs;
  coordinator_of(asked).change_member(
      {.member = {.id = host.config.id}, .remove = true}, deadline,
      [done](const Result<std::uint64_t>& index) { done("removal of ", index); });
}

}  // namespace quorate::sim
