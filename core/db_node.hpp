// One node: one StorageEngine, one log, one Raft participant.
//
// Threads. Members marked [any] may be called from any thread and return at once; everything else happens on the
// node's writer executor (the engine's only writer) and, inside ConsensusDriver, on its consensus executor. Queries run
// on the reader executor. Callbacks come on one of these three and must not block.
//
// Its members it knows from the log: who takes part, which of them are data nodes (not witnesses), and of these, which
// dual_write asks for (voters that are not out).
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
#include "core/core_counts.hpp"
#include "core/kept_outcome.hpp"
#include "core/participant.hpp"
#include "core/query_stream.hpp"
#include "core/query_times.hpp"
#include "core/recent_outcomes.hpp"
#include "core/snapshot_store.hpp"

namespace quorate {

// Fills in the differences between the nodes that answered, and `equal`.
void compare(VerifyReport& report);

class DbNode final : public MessageReceiver, public Participant, private ConsensusListener {
 public:
  struct Options {
    NodeConfig node;
    CoreLimits limits;
    Timing timing;
    bool dual_write_degrade =
        false;                 // as leader: takes data nodes that are gone out of dual_write, and back in
    std::string api_url = {};  // where this process serves clients
    bool repair = false;       // the content is not trusted: fetch another, see NodeState::repairing
    std::string engine_name;
    std::unique_ptr<StorageEngine> engine;  // with a meta
    std::unique_ptr<LogStore> log;
    std::unique_ptr<SnapshotStore> snapshots;
    Executor& consensus;
    Executor& writer;
    Executor& readers;
    Transport& transport;
    NodeObserver& observer;
    std::optional<Rule> broken = {};  // tests only
  };

  // Installs a snapshot that lies complete, then reads the engine's meta and the log. A database that does not fit its
  // log is repaired. Errors: io_error, corrupt, disk_full.
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
  // [any] The same on the calling thread, if min_index is applied and such a query was short lately; else, or if it takes
  // longer than kAtOnce this time, nothing, and `query` is as it was.
  std::optional<Result<QueryAnswer>> query_at_once(Query& query, Index min_index);
  static constexpr std::chrono::milliseconds kAtOnce{1};
  // [any] The same as query(), for a result that is read piece by piece.
  void open_stream(Query query, Index min_index, std::int64_t deadline_us,
                   std::move_only_function<void(Result<std::unique_ptr<QueryStream>>)> done);
  // [any] Copies the content into a new file, as StorageEngine::backup() says. A node that goes down may never answer.
  void backup(std::filesystem::path target, std::move_only_function<void(Result<Position>)> done);

  // [any] An index to wait for, after which a read is linearizable; nothing if this node does not lead.
  void read_index(std::move_only_function<void(std::optional<Index>)> done);

  // [any] Does as leader what the call asks for. Error no_leader, surely without any effect, if this node does not lead
  // or, with a term given, not in that term.
  using Answer = std::move_only_function<void(Result<CallAnswer>)>;
  void serve(CallBody call, Term term, std::int64_t deadline_us, Answer done);

  void receive(Message message) override;            // [any]
  void on_unreachable(const NodeId& node) override;  // [any]

  // [any]
  bool leads() const { return leads_; }
  ConsistencyMode mode() const { return mode_; }  // as of the last entry applied
  bool serves() const { return serves_; }         // has content that may be read
  NodeCounts counts() const;

  // Participant [any]
  const NodeId& id() const override { return options_.node.id; }
  Leadership leadership() const override { return driver_->leadership(); }
  bool reaches(const NodeId& node) const override { return options_.transport.is_reachable(node); }
  void send_call(const NodeId& to, Call call) override { send(to, std::move(call)); }
  Index applied_index() const override { return applied_index_; }
  bool has_caught_up() const override;
  ClusterStatus status() const override { return status_of(view()); }

  struct View {
    Leadership leadership;
    NodeState state = NodeState::running;
    std::string detail;
    ConsistencyMode mode = ConsistencyMode::quorum;
    std::string cluster_id;
    std::string engine_name;
    std::string api_url;
    Position applied;
    Digest digest;
    Index commit = 0;
    Membership membership;                    // the latest
    std::map<NodeId, Raft::PeerView> peers;   // as leader
    std::map<NodeId, AppliedReport> reports;  // as leader
    TimeUs now = 0;
  };
  View view() const;
  // The cluster as a view shows it.
  ClusterStatus status_of(const View& view) const;
  ConsensusDriver::View consensus_view() const { return driver_->view(); }
  std::uint64_t views_published() const { return driver_->views_published(); }

 private:
  explicit DbNode(Options options);

  // --- consensus thread ---
  void on_committed(Committed committed) override;
  void on_leadership(Leadership leadership) override;
  void on_log_failure(Error error) override;
  void on_snapshot_wanted(NodeId leader, SnapshotOffer offer) override;

  // --- writer thread: db_node.cpp ---
  bool keeps(Rule rule) const { return options_.broken != rule; }
  bool is_running() const { return state_ == NodeState::running; }
  bool is_up() const { return is_running() || state_ == NodeState::repairing; }
  void take_leadership(Leadership leadership);
  void sweep();
  void go_down(Error why);
  void go_down(NodeState state, Error why);
  void publish();
  void publish_reports();
  void send(const NodeId& to, MessageBody body);
  void handle(const NodeId& from, RaftBody& body);
  void handle(const NodeId& from, PrepareRequest& request);
  void handle(const NodeId& from, PrepareReply& answer);
  void handle(const NodeId& from, ReleaseBatch& release);
  void handle(const NodeId& from, AppliedReport& report);
  void handle(const NodeId& from, CompactBelow& compact);
  void handle(const NodeId& from, ContentReport& report);
  void handle(const NodeId&, Begin&) {}  // it has begun already
  void handle(const NodeId& from, SnapshotRequest& request);
  void handle(const NodeId& from, SnapshotPiece& piece);
  void handle(const NodeId& from, Call& call);
  void handle(const NodeId&, CallReply& reply);

  // --- writer thread: db_node_members.cpp ---
  bool counts_for_dual_write(const Member& member) const;
  std::vector<NodeId> dual_write_nodes() const;
  std::vector<NodeId> other_members() const;
  void change_member(const MemberCall& change, std::int64_t deadline_us, Answer done);
  Result<Membership> changed(const Membership& before, const MemberCall& change) const;
  bool in_contact(const Raft::PeerView& peer) const;
  bool has_live_majority(const Membership& membership) const;
  void transfer(const NodeId& to, std::int64_t deadline_us, Answer done);
  void tend_handover();
  void tend_members();
  bool is_caught_up(const NodeId& member_id, const Raft::PeerView& peer, Index last_index) const;
  void hand_back(const ConsensusDriver::View& view);
  bool names_self(const Membership& membership) const;
  void notice_removal();
  void join_again(const Member& present, std::int64_t now_us);

  // --- db_node_snapshots.cpp: writer thread, but for the reading and making of lent snapshots ---
  void fetch_snapshot(const NodeId& source, Index at_least);
  void request_pieces();
  void tend_fetch();
  void finish_fetch();
  void abandon_fetch(const Error& why);
  void repair_if_possible();
  void make_snapshot();
  static Result<void> install_snapshot(Options& options);

  // --- writer thread: db_node_apply.cpp ---
  void apply_ready();
  bool waits_for_backups(const Entry& entry);
  Result<void> apply(const Entry& entry);
  Result<void> apply_batch(const Entry& entry);
  Result<void> apply_empty(const Entry& entry, const MetaChange& change);
  void remember(const BatchRecord& record, std::vector<Result<TransactionResult>>& results, Position at);
  void settle(const Entry& entry);
  void report_progress(bool now);
  void flush_if_due();
  void compact_if_due();
  Index retention_floor() const;
  void prepare_for(const NodeId& leader, PrepareRequest request);

  // --- writer thread: db_node_write.cpp ---
  struct InFlight {
    // gathering: more transactions may come to those that are prepared here; preparing: on the other data nodes
    enum class Stage { gathering, preparing, proposed };
    EntryKind kind = EntryKind::batch;
    Stage stage = Stage::proposed;
    Term term = 0;
    std::int64_t prepared_us = 0;  // how long the statements have taken
    std::int64_t begun_us = 0;     // as if they had run in one go
    ConsistencyMode mode = ConsistencyMode::quorum;
    BatchRecord record;
    std::shared_ptr<const std::string> payload;
    std::size_t bytes = 0;                // of the submissions
    std::vector<Submission> submissions;  // in the order of record.batch; answered ones have no `done`
    std::vector<Result<TransactionResult>> results;  // none has failed
    std::vector<std::int64_t> row_counts;
    std::map<NodeId, std::optional<PrepareReply>> prepares;
    std::int64_t prepare_deadline_us = 0;
    std::int64_t commit_deadline_us = 0;  // 0: the backups have not been waited for yet
    Position position;                    // once accepted into the log
  };
  bool may_prepare() const;
  void schedule_pump();
  void pump();
  void pump_at(std::int64_t when_us);
  std::optional<Result<WriteReceipt>> known_outcome(const Submission& submission);
  bool is_in_flight(const std::string& transaction_id) const;
  Result<WriteReceipt> outcome_of_copies(const WriteCall& call, Term term);
  std::vector<Submission> without_repetitions(std::vector<Submission> submissions);
  bool is_gathering() const { return in_flight_ && in_flight_->stage == InFlight::Stage::gathering; }
  bool may_be_given_back() const { return in_flight_ && in_flight_->stage != InFlight::Stage::proposed; }
  void prepare(std::vector<Submission> submissions);
  void propose_other(Submission submission);
  void take_back_gathered(std::vector<Submission>& submissions, Batch& batch);
  void fail_preparing(std::vector<Submission> submissions, Batch batch, const Error& error);
  void add_prepared(std::vector<Submission> submissions, Batch batch, BatchOutcome& outcome,
                    std::int64_t since_us);
  void close_batch();
  PrepareLimits prepare_limits() const;
  Batch timed_batch(std::vector<Submission>& submissions);
  void prepare_on_others();
  void check_prepares();
  void propose();
  void on_proposal(const ProposalAnswer& answer);
  void abandon(const Error& error);
  void fail_in_flight(const Error& error);
  void refuse(Submission& submission, Error error);
  void give_back(bool in_flight_too);
  void answer_in_flight();
  void expire_in_flight(std::int64_t now_us);
  void name_nodes(WriteReceipt& receipt) const;

  // --- writer thread: db_node_restore.cpp ---
  std::optional<Result<WriteReceipt>> known_outcome(const RestoreRecord& record);
  Result<void> apply_restore(const Entry& entry);
  Result<bool> has_all_of(const RestoreEnd& end) const;
  Result<void> replace_content(const Entry& entry, const RestoreEnd& end);
  void install_replacement(const Entry& entry);

  // --- writer thread, but for find_key(): db_node_keys.cpp ---
  Result<std::optional<KeptOutcome>> kept_under(const std::string& key) const;
  Result<std::optional<WriteReceipt>> outcome_under(const IdempotencyKey& key);
  std::vector<KeyedOutcome> outcomes_to_keep(const BatchRecord& record,
                                             const std::vector<Result<TransactionResult>>& results,
                                             Position at) const;
  void find_key(std::string key, std::int64_t deadline_us, Answer done);
  Result<CallAnswer> state_of_key(const std::string& key);

  // --- writer thread: db_node_calls.cpp ---
  bool serve_at_once(const NodeId& from, Call& call);
  static std::move_only_function<void(Result<WriteReceipt>)> answer_with_index(Answer done);
  void serve_as_leader(CallBody call, std::int64_t deadline_us, Answer done);
  void serve_write(WriteCall call, std::int64_t deadline_us, Answer done);
  void serve_read_index(Answer done);
  // --- any thread: db_node_reads.cpp ---
  void verify(std::int64_t deadline_us, std::move_only_function<void(Result<VerifyReport>)> done);
  void when_applied(Index index, std::int64_t deadline_us, std::move_only_function<void(Result<void>)> then);
  void wake_waiters();
  void expire_waiters(std::int64_t now_us);
  Result<QueryAnswer> run_query(Query& query);
  Result<std::unique_ptr<QueryStream>> begin_stream(Query& query) { return streams_.open(std::move(query)); }
  template <typename T>
  void read_when_applied(Index min_index, std::int64_t deadline_us, Result<T> (DbNode::*read)(Query&),
                         Query query, std::move_only_function<void(Result<T>)> done);
  Result<std::unique_ptr<Reader>> borrow_reader();
  void give_back_reader(std::unique_ptr<Reader> reader);
  void report_content(const BarrierRecord& barrier, Index index);
  void finish_verification(std::uint64_t token);
  void expire_verifications(std::int64_t now_us);

  Options options_;
  std::shared_ptr<Outbox> outbox_;
  CommitQueue queue_;
  QueryStreams streams_;
  QueryTimes query_times_;
  std::unique_ptr<ConsensusDriver> driver_;
  std::string cluster_id_;
  Instance instance_ = 0;

  std::atomic<bool> stopped_ = false;
  std::atomic<bool> leads_ = false;
  std::atomic<bool> serves_ = false;
  std::atomic<ConsistencyMode> mode_ = ConsistencyMode::quorum;
  std::atomic<bool> pump_posted_ = false;
  std::atomic<Index> applied_index_ = 0;
  std::atomic<std::size_t> queries_waiting_ = 0;

  // Writer thread only.
  NodeState state_ = NodeState::running;
  std::string detail_;
  Leadership leadership_;
  Term opened_in_ = 0;  // the term when this node was opened: what it led until then it has forgotten
  std::int64_t leaderless_since_us_ = 0;
  Membership membership_;  // as of applied_
  Position applied_;
  Index durable_ = 0;
  RecentOutcomes recent_{0};        // by transaction id
  RecentOutcomes refused_keys_{0};  // by key
  std::deque<Entry> to_apply_;
  std::map<NodeId, Index> matches_;
  struct Held {
    BatchId id;
    ConsistencyMode mode;
    PreparedBatch batch;
    std::int64_t since_us;
    BatchRecord record = {};  // on a backup: whose outcomes these are
  };
  std::optional<Held> held_;
  std::optional<InFlight> in_flight_;
  bool has_pump_timer_ = false;
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

  bool changing_membership_ = false;  // by itself, as leader
  std::int64_t preferred_well_since_us_ = 0;
  std::atomic<std::uint64_t> status_asked_ = 0;  // the call by which it asks whether it is a member
  std::int64_t status_asked_us_ = 0;             // or when a leader was last heard of
  std::int64_t removed_since_us_ = 0;  // as leaders have said; 0: it is a member, as far as it knows
  std::int64_t joined_again_us_ = 0;   // when it asked to last; 0: never found reason to
  struct Handover {
    NodeId to;
    std::int64_t deadline_us = 0;
    Answer done;
  };
  std::optional<Handover> handover_;
  struct Fetch {
    NodeId source;
    std::uint64_t token = 0;
    Index at_least = 0;
    std::optional<SnapshotInfo> info = {};  // once a piece has come
    std::uint64_t received = 0;
    std::uint64_t requested = 0;
    std::uint64_t began_at = 0;  // how much was there already
    std::map<std::uint64_t, std::string> early =
        {};  // pieces that overtook others, by offset; at most those asked for
    std::int64_t asked_us = 0;
    std::int64_t progress_us = 0;
    std::int64_t began_us = 0;
  };
  std::optional<Fetch> fetch_;
  std::int64_t fetch_not_before_us_ = 0;
  struct Lent {
    SnapshotInfo info;
    std::int64_t used_us = 0;
  };
  std::optional<Lent> lent_;
  bool making_snapshot_ = false;
  bool is_replaced_ = false;              // the restored content lies ready
  std::optional<Error> restore_refusal_;  // why the entry just applied has restored nothing

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
