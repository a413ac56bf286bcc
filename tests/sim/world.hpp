// A whole cluster in simulated time, with clients that write and read, a saboteur, and the promises checked throughout.
// Everything follows from the seed. The code under test is the real one: consensus core, driver, DbNode, CommitQueue,
// MultiDbCoordinator; the engine is the memory engine.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/coordinator.hpp"
#include "core/db_node.hpp"
#include "core/witness_node.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/sim_log.hpp"
#include "tests/sim/sim_snapshots.hpp"

namespace quorate::sim {

// A promise that did not hold.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Summary {
  std::uint64_t events = 0;
  std::uint64_t applied = 0;
  std::uint64_t not_applied = 0;
  std::uint64_t unknown = 0;
  std::uint64_t reads = 0;
  std::uint64_t extensions = 0;  // of batches that waited for more
  std::uint64_t leaders = 0;
  std::uint64_t crashes = 0;
  std::uint64_t quarantines = 0;
  std::uint64_t snapshots = 0;  // installed
  std::uint64_t changes = 0;    // of the membership
  std::uint64_t wipes = 0;
  std::uint64_t restores = 0;
  std::uint64_t trace = 0;  // a hash over the whole run: equal for equal seeds
};

class World {
 public:
  World(std::uint64_t seed, std::optional<Rule> broken, bool verbose);
  ~World();

  // Throws Violation.
  Summary run();

 private:
  struct Host {
    NodeConfig config;
    std::int64_t wall_offset_us = 0;
    std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
    LogDisk log;
    SnapshotDisk snapshots;
    bool is_witness = false;
    bool is_out = false;   // no member: it has no files, and joins when asked to
    bool joins = false;    // it is trying to
    bool repairs = false;  // its content is not trusted
    // While it is up, one of:
    std::unique_ptr<DbNode> node;
    std::unique_ptr<WitnessNode> witness;
    std::unique_ptr<SimExecutor> consensus;
    std::unique_ptr<SimExecutor> writer;
    std::unique_ptr<SimExecutor> readers;
    bool corrupts = false;  // computes a wrong row with the next batch that it prepares as a follower
    bool crash_scheduled = false;
    bool falls_on_applying = false;  // as leader: is struck when it has applied something
    // Of this life:
    Index checked_applied = 0;
    Index checked_commit = 0;
    Term checked_leader_term = 0;
    std::uint64_t checked_views = 0;

    ConsensusDriver::View view() const { return node ? node->consensus_view() : witness->consensus_view(); }
    std::uint64_t views_published() const {
      return node ? node->views_published() : witness->views_published();
    }
  };
  struct Write {
    std::int64_t key = 0;
    Transaction transaction;  // but for its id
    int sent = 0;
    int answered = 0;
    std::optional<Outcome> outcome =
        {};                  // of all that was answered: applied if any was, else unknown if any was
    Index index = 0;         // where it was applied
    std::int64_t value = 0;  // of the counter, likewise
  };

  // world.cpp
  void start(Host& host);
  void start_witness(Host& host);
  void on_down(const NodeId& id, NodeState state, const Error& why);
  void close(Host& host);
  void crash(Host& host, bool restarts);
  void see_prepare(Host& host, const Batch& batch);
  bool see_extension(Host& host, const Batch& more);
  void run_until(std::int64_t when_us);
  // False if the condition does not come true within limit_us.
  bool run_until_true(std::predicate auto condition, std::int64_t limit_us) {
    const std::int64_t end = scheduler_.now_us() + limit_us;
    while (!condition() && scheduler_.now_us() < end && scheduler_.step()) check_step();
    return condition();
  }
  void run_until_done(const bool& done, std::int64_t limit_us, const char* what);
  MultiDbCoordinator& coordinator_of(const Host& host);
  MultiDbCoordinator& coordinator_for_client();
  bool is_up(const Host& host) const { return host.node != nullptr || host.witness != nullptr; }
  void trace(const std::string& text);

  // clients.cpp
  void create_tables();
  void run_client(int client);
  void write_once(int client);
  void send_write(Write& write, std::function<void()> then);
  void see_answer(Write& write, const Result<WriteReceipt>& receipt);
  void see_applied(Write& write, const WriteReceipt& receipt);
  void ask_for_key(Write& write);
  void read_once(int client);
  void read_from(MultiDbCoordinator& coordinator, bool linearizable, const NodeId& node,
                 std::function<void()> then);
  void question(Host& former);
  void later(std::int64_t delay_us, Task task) {
    executor_.post_at(scheduler_.now_us() + delay_us, std::move(task));
  }

  // restores.cpp
  void check_restore();
  void check_not_marked();
  Result<std::uint64_t> send_restore(const std::string& file, const RestoreEnd& end, bool may_strike);
  template <typename Answer>
  void await(const std::optional<Answer>& answer);  // the answer of the core, which has its own deadline
  Result<std::uint64_t> send_restore(const RestoreRecord& record);

  // members.cpp
  Membership first_membership() const;
  const Membership* decided_membership();
  void reconcile();
  void wipe(Host& host);
  void join(Host& host);
  void begin(Host& host);
  void disturb_membership();
  bool is_whole();

  // saboteur.cpp
  void choose_faults();
  void sabotage();
  Host& any_host();
  void crash_some();
  void cut_power();
  void partition();
  void heal();
  void disturb_network();
  void roughen_network();
  void break_log_write();
  void delay_answers();
  void delay_answers_more(const NodeId& id, std::int64_t by_us, std::int64_t steps_left);
  void jump_clock();
  void pause_one();
  void fill_disk();
  void corrupt_one();
  void hunt(Host& leader);
  void strike(Host& leader);
  void calm_down();

  // checks.cpp
  void check_step();
  void check_view(Host& host);
  void check_leader(Host& host, Term term);
  void check_applied(Host& host);
  void check_read(std::int64_t value, std::int64_t floor, const char* kind);
  void check_prepared_everywhere(const WriteReceipt& receipt);
  void check_progress();
  void check_cut_off_follower();
  void check_cut_off_leader();
  void check_membership();
  std::string state_of_hosts();
  void check_transfer();
  void check_outcome();
  Host* leader();
  void isolate(Host& host);

  Scheduler scheduler_;
  const std::int64_t no_offset_ = 0;
  SimExecutor executor_;  // the world's own: clients, network, coordinators; never crashes
  Network network_;
  std::optional<Rule> broken_;
  bool verbose_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<MultiDbCoordinator>> coordinators_;  // one for all, or one per host
  CoreLimits limits_;
  Timing timing_;
  bool hunts_leaders_ = false;             // every new leader is struck soon after its election
  std::vector<void (World::*)()> faults_;  // each as often as its weight
  std::int64_t removal_possible_until_us_ = 0;
  std::int64_t most_us_between_faults_ = 1'200'000;
  std::int64_t calm_delay_us_ = 2'000;
  std::int64_t calm_pause_us_ = 120'000;  // of a client in calm, at most
  int hurried_clients_ = 0;               // per thousand of their pauses that are short
  bool embedded_ = true;
  bool degrades_ = false;
  ConsistencyMode first_mode_ = ConsistencyMode::quorum;
  bool disturbs_ = false;
  bool clients_run_ = false;
  int slow_disk_per_thousand_ = 0;
  std::int64_t misreads_left_ = 0;  // so many pieces of snapshots are lent with a wrong byte, in calm too

  // What has been seen, for the checks.
  std::map<Term, NodeId> leaders_;
  std::vector<Position> decided_;                     // by index
  std::map<Index, Digest> digests_;                   // at index
  std::map<Index, Membership> memberships_;           // by the index of its entry
  std::map<std::int64_t, Write> writes_;              // by key
  std::map<std::string, std::set<NodeId>> prepared_;  // by transaction id
  std::int64_t next_key_ = 1;
  std::int64_t acknowledged_ = 0;  // the highest counter value that anybody has been shown
  std::int64_t attempts_ = 0;
  Summary summary_;
};

}  // namespace quorate::sim
