// The promises, as far as they can be seen from outside.
#include <algorithm>
#include <unordered_map>

#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

std::string at(Index index) {
  return " at index " + std::to_string(index);
}

}  // namespace

void World::check_step() {
  for (auto& host : hosts_) {
    if (!is_up(*host)) continue;
    check_view(*host);
    if (host->node && host->node->applied_index() != host->checked_applied) check_applied(*host);
  }
}

void World::check_view(Host& host) {
  const std::uint64_t published = host.views_published();
  if (published == host.checked_views) return;
  host.checked_views = published;
  const ConsensusDriver::View view = host.view();
  if (view.leadership.role == Role::leader && view.leadership.term != host.checked_leader_term) {
    host.checked_leader_term = view.leadership.term;
    check_leader(host, view.leadership.term);
  }
  if (view.commit < host.checked_commit) throw Violation(host.config.id + " moved its commit index back");
  host.checked_commit = view.commit;
}

// Election safety and leader completeness (Raft figure 3).
void World::check_leader(Host& host, Term term) {
  const auto [known, is_new] = leaders_.emplace(term, host.config.id);
  if (!is_new && known->second != host.config.id) {
    throw Violation("two leaders in term " + std::to_string(term) + ": " + known->second + " and " +
                    host.config.id);
  }
  trace(host.config.id + " leads term " + std::to_string(term));
  for (auto& other : hosts_) {
    if (other.get() != &host && other->node && other->node->leads()) question(*other);
  }
  if (hunts_leaders_ && disturbs_) hunt(host);
  // Late votes may still elect one in a term that others have left behind. It need not have what they have decided since.
  if (leaders_.rbegin()->first != term) return;
  for (Index index = host.log.base.index + 1; index < decided_.size(); ++index) {
    if (decided_[index].index == 0) continue;
    if (!host.log.holds(index) || host.log.at(index).term != decided_[index].term) {
      throw Violation("the leader of term " + std::to_string(term) + " lacks the decided entry" + at(index));
    }
  }
}

// State machine safety (Raft figure 3), and equal content at equal index.
void World::check_applied(Host& host) {
  const Index applied = host.node->applied_index();
  if (applied < host.checked_applied) throw Violation(host.config.id + " went back" + at(applied));
  for (Index index = host.checked_applied + 1; index <= applied; ++index) {
    if (index <= host.log.base.index) continue;
    if (!host.log.holds(index))
      throw Violation(host.config.id + " applied what its log does not hold" + at(index));
    if (decided_.size() <= index) decided_.resize(index + 1);
    Position& decided = decided_[index];
    const Position own = host.log.at(index).position();
    if (decided.index == 0) decided = own;
    if (decided != own) throw Violation(host.config.id + " applied another entry than others" + at(index));
    const Entry& entry = host.log.at(index);
    if (entry.kind == EntryKind::membership) memberships_[index] = parse_membership(*entry.payload).value();
  }
  host.checked_applied = applied;
  if (host.node->leads() && std::exchange(host.falls_on_applying, false)) {
    later(scheduler_.random.between(0, 1'000), [this, &host] { strike(host); });
  }
  const auto [position, digest] =
      std::pair(host.disk->current()->meta->applied, host.disk->current()->meta->digest);
  if (position.index != applied) return;  // its writer is in the middle of several entries
  const auto [known, is_new] = digests_.emplace(applied, digest);
  if (!is_new && known->second != digest)
    throw Violation(host.config.id + " has another digest than others" + at(applied));
}

void World::check_read(std::int64_t value, std::int64_t floor, const char* kind) {
  if (value < floor) {
    throw Violation(std::string("a ") + kind + " read saw " + std::to_string(value) + " after " +
                    std::to_string(floor) + " had been acknowledged");
  }
  if (value > attempts_) throw Violation("a read saw more than was ever written");
}

void World::check_prepared_everywhere(const WriteReceipt& receipt) {
  if (receipt.mode != ConsistencyMode::dual_write) return;
  const auto after = memberships_.lower_bound(receipt.index);
  for (const Member& member : std::prev(after)->second.members) {
    if (member.witness || !member.voter || member.out) continue;
    if (prepared_[receipt.transaction_id].contains(member.id)) continue;
    throw Violation("dual_write acknowledged " + receipt.transaction_id + ", which " + member.id +
                    " has not prepared");
  }
}

// Calm, and with all nodes up that can be: a write succeeds soon.
void World::check_progress() {
  auto done = std::make_shared<bool>(false);
  const std::int64_t end = scheduler_.now_us() + 20 * kSecond;
  // Until there is a leader again, it is refused.
  const auto ask = [this, done, end](MultiDbCoordinator& coordinator, const auto& again) -> void {
    coordinator.set_mode(ConsistencyMode::quorum, deadline_at(end),
                         [this, done, &coordinator, again](const auto& index) {
                           if (index) *done = true;
                           if (!*done)
                             later(kSecond / 10, [&coordinator, again] { again(coordinator, again); });
                         });
  };
  for (auto& host : hosts_) {
    if (host->node) ask(coordinator_of(*host), ask);
  }
  try {
    run_until_done(*done, end - scheduler_.now_us(), "nothing is decided although all is calm");
  } catch (const Violation& violation) {
    throw Violation(violation.what() + std::string(": ") + state_of_hosts());
  }
  const auto writes_succeed = [this, before = summary_.applied] { return summary_.applied >= before + 3; };
  if (!run_until_true(writes_succeed, end - scheduler_.now_us()))
    throw Violation("no progress: no write succeeds although all is calm");
}

World::Host* World::leader() {
  Host* latest = nullptr;
  for (auto& host : hosts_) {
    if (!host->node || !host->node->leads()) continue;
    const auto term = [](const Host& one) { return one.node->consensus_view().leadership.term; };
    if (latest == nullptr || term(*host) > term(*latest)) latest = host.get();
  }
  return latest;
}

void World::isolate(Host& host) {
  trace(host.config.id + " is cut off");
  for (const auto& other : hosts_) {
    network_.cut(host.config.id, other->config.id);
    network_.cut(other->config.id, host.config.id);
  }
}

// A node that was cut off and comes back does not unseat a working leader (thesis §9.6).
void World::check_cut_off_follower() {
  Host* before = leader();
  const bool all_up = std::ranges::all_of(hosts_, [this](const auto& host) { return is_up(*host); });
  if (decided_membership()->voters() < 3 || before == nullptr || !all_up) return;
  const Term term = before->node->consensus_view().leadership.term;
  for (auto& host : hosts_) {
    if (host.get() == before || host->is_out) continue;
    isolate(*host);
    break;
  }
  run_until(scheduler_.now_us() + 3 * kSecond);
  network_.heal();
  run_until(scheduler_.now_us() + 2 * kSecond);
  const Host* after = leader();
  if (after != before || before->node->consensus_view().leadership.term != term) {
    throw Violation("a node that came back unseated the leader of term " + std::to_string(term));
  }
}

// A leader that is cut off notices within an election timeout, and half a heartbeat more.
void World::check_cut_off_leader() {
  Host* before = leader();
  if (decided_membership()->voters() < 2 || before == nullptr) return;
  isolate(*before);
  run_until(scheduler_.now_us() + to_us(timing_.election_timeout) + 2 * to_us(timing_.heartbeat));
  if (before->node->leads()) throw Violation("a leader without a majority still believes that it leads");
  run_until(scheduler_.now_us() + 2 * kSecond);
  network_.heal();
  run_until(scheduler_.now_us() + 2 * kSecond);
}

std::string World::state_of_hosts() {
  std::string state = to_text(*decided_membership());
  for (const auto& host : hosts_) {
    state += host->config.id +
             (host->is_out   ? " is out"
              : is_up(*host) ? " is up"
                             : " is down") +
             (host->repairs ? ", repairs" : "") + (host->joins ? ", joins" : "");
    if (is_up(*host)) {
      const auto view = host->view();
      state += " in term " + std::to_string(view.leadership.term) + " under " + view.leadership.leader +
               ", log " + std::to_string(view.base) + " to " + std::to_string(view.last_index) + ", commit " +
               std::to_string(view.commit);
      if (host->node)
        state += ", applied " + std::to_string(host->node->applied_index()) + " " + host->node->view().detail;
      for (const auto& [id, peer] : view.peers) {
        state += " [" + id + " match " + std::to_string(peer.match) +
                 (peer.needs_snapshot ? " needs snapshot" : "") + "]";
      }
    }
    state += ";\n";
  }
  return state;
}

// In calm all hosts are voters soon, whatever they had lost, and the preferred master leads.
void World::check_membership() {
  const auto settled = [this] {
    const Host* now = leader();
    const auto is_behind = [now](const auto& host) {
      return host->node && host->node->applied_index() + 10 < now->node->applied_index();
    };
    return now != nullptr && std::ranges::none_of(hosts_, is_behind) && is_whole() &&
           std::ranges::none_of(hosts_, &Host::is_out) &&
           decided_membership()->members.size() == hosts_.size() &&
           (now->config.preferred_master || !decided_membership()->has_voter("n1"));
  };
  if (!run_until_true(settled, 30 * kSecond))
    throw Violation("the cluster does not become whole although all is calm: " + state_of_hosts());
}

// In calm, leadership goes where it is sent, at once, and comes back to the preferred master.
void World::check_transfer() {
  run_until(scheduler_.now_us() + 2 * kSecond);  // whoever was behind catches up
  Host* before = leader();
  Host* target = nullptr;
  for (auto& host : hosts_) {
    if (host.get() != before && host->node) target = host.get();
  }
  if (before == nullptr || target == nullptr) return;
  struct Answer {
    bool came = false;
    std::string failure;
  };
  const auto answer = std::make_shared<Answer>();
  coordinator_of(*before).transfer_leadership(target->config.id, deadline_at(scheduler_.now_us() + kSecond),
                                              [answer](const Result<std::uint64_t>& index) {
                                                answer->came = true;
                                                if (!index) answer->failure = index.error().message;
                                              });
  run_until_done(answer->came, 2 * kSecond, "a transfer of leadership");
  if (!answer->failure.empty()) throw Violation("a transfer in calm failed: " + answer->failure);
  run_until(scheduler_.now_us() + 100'000);
  if (leader() != target) throw Violation("leadership did not go to " + target->config.id);
  check_membership();
}

void World::check_outcome() {
  const auto highest_index = [this] {
    Index highest = 0;
    for (auto& host : hosts_) highest = std::max(highest, host->node ? host->node->applied_index() : 0);
    return highest;
  };
  const auto has_caught_up = [&](const auto& host) {
    return host->is_witness || (is_up(*host) && host->node->applied_index() == highest_index());
  };
  // A snapshot may be slow, and have to be sent again. Whoever is behind then is found below.
  run_until_true([&] { return std::ranges::all_of(hosts_, has_caught_up); }, 30 * kSecond);
  const Index highest = highest_index();
  std::optional<ContentDigest> content;
  for (auto& host : hosts_) {
    if (host->is_witness) continue;
    if (!is_up(*host)) throw Violation(host->config.id + " did not come back");
    if (host->node->applied_index() != highest) {
      throw Violation(host->config.id + " did not catch up: it is" + at(host->node->applied_index()) +
                      " of " + std::to_string(highest));
    }
    const ContentDigest own = digest_content(*host->disk->current());
    if (!content) content = own;
    if (*content != own) throw Violation(host->config.id + " has other content than others" + at(highest));
    MemoryEngine engine(host->disk);
    auto reader = engine.open_reader();
    const auto journal = (*reader)->query({.sql = "SELECT key FROM journal", .parameters = {}});
    std::unordered_map<std::int64_t, int> rows;
    for (const Row& row : journal->rows) ++rows[std::get<std::int64_t>(row.at(0))];
    for (const auto& [key, write] : writes_) {
      const auto found = rows.find(key);
      const int count = found == rows.end() ? 0 : found->second;
      const auto fails = [&](const char* how) {
        throw Violation("write " + std::to_string(key) + " on " + host->config.id + how);
      };
      if (write.answered != write.sent) fails(" was never answered");
      if (count == 1) fails(" is half there");
      if (count > 2) fails(" happened more than once");
      if (*write.outcome == Outcome::applied && count != 2) fails(" was acknowledged and is lost");
      if (*write.outcome == Outcome::not_applied && count != 0)
        fails(" was reported not_applied and is there");
    }
    const auto counter =
        (*reader)->query({.sql = "SELECT value FROM counter WHERE id = 1", .parameters = {}});
    if (std::get<std::int64_t>(counter->rows.at(0).at(0)) != static_cast<std::int64_t>(rows.size())) {
      throw Violation("the counter on " + host->config.id + " does not count the journal");
    }
  }
}

}  // namespace quorate::sim
