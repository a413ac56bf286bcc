// One node: one StorageEngine, one log, one Raft participant.
//
// Threads. Members marked [any] may be called from any thread and return at once; everything else happens on the
// node's writer executor (the engine's only writer) and, inside ConsensusDriver, on its consensus executor. Queries run
// on the reader executor. Callbacks come on one of these three and must not block.
//
// A write on the leader: collected by CommitQueue, prepared on the engine (db_node_write.cpp), in dual_write also on
// every other data node, decided by the log, committed in log order (db_node_apply.cpp), answered.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "core/batch_codec.hpp"
#include "core/commit_queue.hpp"
#include "core/consensus/driver.hpp"

namespace quorate {

enum class NodeState { running, failed, quarantined };

class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  // Submissions that surely were not applied here and may be tried on the leader.
  virtual void on_returned(std::vector<Submission> submissions) = 0;
  // The node has stopped taking part for good: with code quarantined because its content cannot be trusted, else
  // because something failed. It may be closed and opened again, but not from inside this call.
  virtual void on_down(const NodeId& id, Error why) = 0;
};

// Fills in the differences between the nodes that answered, and `equal`.
void compare(VerifyReport& report);

class DbNode final : public MessageReceiver, private ConsensusListener {
 public:
  struct Options {
    NodeConfig node;
    std::vector<NodeId> members;  // all voters, this node included
    CoreLimits limits;
    Timing timing;
    std::string engine_name;
    std::unique_ptr<StorageEngine> engine;  // with a meta
    std::unique_ptr<LogStore> log;
    Executor& consensus;
    Executor& writer;
    Executor& readers;
    Transport& transport;
    NodeObserver& observer;
    std::optional<Rule> broken = {};  // tests only
  };

  // Reads the engine's meta and the log. Errors: io_error, corrupt (also when the log does not reach back to what the
  // database has applied).
  static Result<std::unique_ptr<DbNode>> open(Options options);

  // The executors must have been stopped. What was accepted and not answered is answered now, as unknown if it may
  // still be decided by the others.
  ~DbNode() override;

  void start();  // [any]
  void stop();   // [any] no more work is begun; then stop the executors, then destroy

  // [any] If this node does not lead, the submission comes back through NodeObserver::on_returned.
  void submit(Submission submission);

  // [any] Runs the query once min_index is applied here. Errors also: stale_read, overloaded, quarantined.
  void query(Query query, Index min_index, std::int64_t deadline_us,
             std::move_only_function<void(Result<QueryAnswer>)> done);
  // [any] An index to wait for, after which a read is linearizable; nothing if this node does not lead.
  void read_index(std::move_only_function<void(std::optional<Index>)> done);

  // [any] As leader: compares the content of all data nodes at a barrier entry.
  void verify(std::int64_t deadline_us, std::move_only_function<void(Result<VerifyReport>)> done);

  void receive(Message message) override;  // [any]

  // [any]
  const NodeId& id() const { return options_.node.id; }
  bool leads() const { return leads_; }
  Index applied_index() const { return applied_index_; }

  struct View {
    Leadership leadership;
    NodeState state = NodeState::running;
    std::string detail;
    ConsistencyMode mode = ConsistencyMode::quorum;
    std::string cluster_id;
    std::string engine_name;
    bool preferred_master = false;
    Position applied;
    Digest digest;
    Index commit = 0;
    std::map<NodeId, Raft::PeerView> peers;  // as leader
    TimeUs now = 0;
  };
  View view() const;
  ConsensusDriver::View consensus_view() const { return driver_->view(); }

 private:
  explicit DbNode(Options options);

  // --- consensus thread ---
  void on_committed(Committed committed) override;
  void on_leadership(Leadership leadership) override;
  void on_log_failure(Error error) override;

  // --- writer thread: db_node.cpp ---
  bool keeps(Rule rule) const { return options_.broken != rule; }
  bool is_running() const { return state_ == NodeState::running; }
  void take_leadership(Leadership leadership);
  void sweep();
  void go_down(Error why);
  void publish();
  void send(const NodeId& to, MessageBody body);
  void handle(const NodeId& from, RaftBody& body);
  void handle(const NodeId& from, PrepareRequest& request);
  void handle(const NodeId& from, PrepareReply& answer);
  void handle(const NodeId& from, ReleaseBatch& release);
  void handle(const NodeId& from, AppliedReport& report);
  void handle(const NodeId& from, CompactBelow& compact);
  void handle(const NodeId& from, ContentReport& report);

  // --- writer thread: db_node_apply.cpp ---
  void apply_ready();
  bool waits_for_backups(const Entry& entry);
  Result<void> apply(const Entry& entry);
  Result<void> apply_batch(const Entry& entry);
  Result<void> apply_empty(const Entry& entry, std::optional<ConsistencyMode> mode);
  void settle(const Entry& entry);
  void report_progress(bool now);
  void flush_if_due();
  void compact_if_due();
  void prepare_for(const NodeId& leader, PrepareRequest request);

  // --- writer thread: db_node_write.cpp ---
  struct InFlight {
    enum class Stage { preparing, proposed };  // preparing: on the other data nodes
    EntryKind kind = EntryKind::batch;
    Stage stage = Stage::proposed;
    Term term = 0;
    ConsistencyMode mode = ConsistencyMode::quorum;
    BatchRecord record;
    std::shared_ptr<const std::string> payload;
    std::vector<Submission> submissions;  // in the order of record.batch; answered ones have no `done`
    std::vector<TransactionResult> results;
    std::vector<std::int64_t> row_counts;
    std::map<NodeId, std::optional<PrepareReply>> prepares;
    std::int64_t prepare_deadline_us = 0;
    std::int64_t commit_deadline_us = 0;  // 0: the backups have not been waited for yet
    Position position;                    // once accepted into the log
  };
  bool may_prepare() const;
  void schedule_pump();
  void pump();
  void prepare(std::vector<Submission> submissions);
  void prepare_on_others(std::int64_t own_time_us);
  void check_prepares();
  void propose();
  void on_proposal(const ProposalAnswer& answer);
  void abandon(const Error& error);
  void fail_in_flight(const Error& error);
  void give_back(bool in_flight_too);
  void answer_in_flight();
  void expire_in_flight(std::int64_t now_us);
  WriteReceipt receipt_of(const InFlight& in_flight) const;

  // --- any thread: db_node_reads.cpp ---
  void when_applied(Index index, std::int64_t deadline_us, std::move_only_function<void(Result<void>)> then);
  void wake_waiters();
  void expire_waiters(std::int64_t now_us);
  void run_query(Query query, std::move_only_function<void(Result<QueryAnswer>)> done);
  Result<std::unique_ptr<Reader>> borrow_reader();
  void give_back_reader(std::unique_ptr<Reader> reader);
  void report_content(const BarrierRecord& barrier, Index index);
  void finish_verification(std::uint64_t token);
  void expire_verifications(std::int64_t now_us);

  Options options_;
  CommitQueue queue_;
  std::unique_ptr<ConsensusDriver> driver_;
  std::string cluster_id_;

  std::atomic<bool> stopped_ = false;
  std::atomic<bool> leads_ = false;
  std::atomic<bool> pump_posted_ = false;
  std::atomic<Index> applied_index_ = 0;
  std::atomic<std::size_t> queries_waiting_ = 0;

  // Writer thread only.
  NodeState state_ = NodeState::running;
  std::string detail_;
  Leadership leadership_;
  ConsistencyMode mode_ = ConsistencyMode::quorum;
  Position applied_;
  Index durable_ = 0;
  std::deque<Entry> to_apply_;
  std::map<NodeId, Index> matches_;
  struct Held {
    BatchId id;
    ConsistencyMode mode;
    PreparedBatch batch;
    std::int64_t since_us;
  };
  std::optional<Held> held_;
  std::optional<InFlight> in_flight_;
  std::optional<std::pair<NodeId, PrepareRequest>> waiting_prepare_;  // until its base is applied
  std::map<NodeId, AppliedReport> reports_;
  std::int64_t last_report_us_ = 0;
  bool report_due_ = false;
  std::size_t unflushed_bytes_ = 0;
  std::size_t unflushed_entries_ = 0;
  Index compacted_below_ = 0;
  struct Verification {
    std::int64_t deadline_us = 0;
    Index index = 0;  // 0: the barrier is not decided yet
    std::map<NodeId, ContentReport> reports;
    std::move_only_function<void(Result<VerifyReport>)> done;
  };
  std::map<std::uint64_t, Verification> verifications_;

  mutable std::mutex view_mutex_;
  View view_;  // guarded by view_mutex_

  struct Waiter {
    std::int64_t deadline_us = 0;
    std::move_only_function<void(Result<void>)> then;
  };
  std::mutex waiters_mutex_;
  std::multimap<Index, Waiter> waiters_;  // guarded by waiters_mutex_

  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> idle_readers_;  // guarded by readers_mutex_
};

}  // namespace quorate
