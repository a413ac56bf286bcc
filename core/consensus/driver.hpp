// Carries out what the Raft core wants: writes the log, sends, keeps the timers, and delivers what is committed.
//
// Threads. Everything happens on the executor given (the consensus thread, or one on loan: core/thread_executor.hpp), one
// task at a time, where the log write blocks. The members marked [any] may be called from any thread and return at once.
// Events that arrive while a log write is under way are taken together into the next one: that is the group commit of
// followers and leader alike.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "core/consensus/raft.hpp"
#include "core/executor.hpp"
#include "core/transport.hpp"

namespace quorate {

struct Leadership {
  Role role = Role::follower;
  Term term = 0;
  NodeId leader = {};    // empty: none known
  Index term_start = 0;  // leader: the first index of its term
  bool operator==(const Leadership&) const = default;
};

struct Committed {
  std::vector<Entry> entries;
  std::map<NodeId, Index> matches;  // leader: up to where each other member's log is known to be equal
};

// Called on the consensus thread; must not block.
class ConsensusListener {
 public:
  virtual ~ConsensusListener() = default;
  // Entries in order, each once.
  virtual void on_committed(Committed committed) = 0;
  virtual void on_leadership(Leadership leadership) = 0;
  // The log failed; the participant has stopped for good.
  virtual void on_log_failure(Error error) = 0;
  // What comes next has been compacted away on the leader: this node needs its content at offer.base or later. Comes
  // again and again until it has it.
  virtual void on_snapshot_wanted(NodeId leader, SnapshotOffer offer) = 0;
};

class ConsensusDriver {
 public:
  struct Options {
    RaftConfig raft;
    Executor& executor;
    Transport& transport;
    LogStore& log;
    ConsensusListener& listener;
    Index applied = 0;     // entries up to here are not delivered again
    bool delivers = true;  // false: the content is being repaired, nothing is delivered
    std::size_t delivery_bytes =
        16UL * 1024 * 1024;  // delivered and not yet applied, at most (plus one read)
  };

  // `stored` is what log.load() returned.
  ConsensusDriver(Options options, StoredLog stored);

  void start();  // [any]
  void stop();   // [any] nothing happens any more from here on, but a task that runs now finishes

  using ProposalCallback = std::move_only_function<void(ProposalAnswer)>;
  using ReadCallback = std::move_only_function<void(ReadAnswer)>;

  // [any] Asks for what Proposal says. The callback comes before the entry is delivered as committed; it does not come if
  // the driver stops.
  void propose(Proposal proposal, ProposalCallback done);
  // [any] Thesis §6.4. Not confirmed if the driver stops.
  void read_index(ReadCallback done);
  // [any]
  void receive(NodeId from, Instance instance, RaftBody body);
  // [any] The connection to this node was closed.
  void peer_lost(NodeId node);
  // [any] Hands leadership on, if this node leads and `to` can take it.
  void transfer(NodeId to);
  // [any] The listener has applied everything up to this index.
  void applied(Index index);
  // [any] Forgets the log up to this index, which must be applied and durable in the database.
  void compact(Index index);

  // [any] The view of the latest step.
  struct View {
    Leadership leadership;
    Index commit = 0;
    Index leader_commit = 0;  // as the leader last told in this life; 0: not heard yet
    TimeUs last_leader_contact = 0;
    Index last_index = 0;
    Index base = 0;                                // the last compacted entry
    std::shared_ptr<const Membership> membership;  // the latest, decided or not; never null once started
    Index membership_index = 0;
    std::uint64_t log_bytes = 0;  // about
    std::map<NodeId, Raft::PeerView> peers;
  };
  View view() const;
  // [any] Counts the views: an equal count is an equal view.
  std::uint64_t views_published() const { return views_published_; }
  // [any] The latest view's leadership, without the rest.
  Leadership leadership() const;

 private:
  void enqueue(Event event);
  void run();
  void fail_log(Error error);
  void fail_reads();
  void carry_out(Effects effects);
  void send(std::vector<RaftMessage>& messages);
  void answer(Effects& effects);
  void deliver();
  void publish();
  void arm_timer();

  Options options_;
  Raft raft_;

  std::atomic<bool> stopped_ = false;
  std::atomic<Index> applied_;
  std::atomic<bool> delivery_stalled_ = false;

  mutable std::mutex mutex_;  // guards the five below
  std::vector<Event> events_;
  bool run_posted_ = false;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, ProposalCallback> proposals_;
  std::unordered_map<std::uint64_t, ReadCallback> reads_;

  mutable std::mutex view_mutex_;
  View view_;  // guarded by view_mutex_
  std::atomic<std::uint64_t> views_published_ = 0;

  // Consensus thread only.
  Index commit_ = 0;
  Index delivered_ = 0;
  std::deque<std::pair<Index, std::size_t>> outstanding_;  // last index and bytes of what is not applied yet
  std::size_t outstanding_bytes_ = 0;
  Leadership reported_;
  TimeUs timer_armed_for_ = 0;  // 0: not armed
};

}  // namespace quorate
