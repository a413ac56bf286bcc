// The consensus core: Raft as a pure step function. No clock, thread, I/O, coroutine, callback or randomness of its
// own; what it knows, it was told in an event, and what it wants done, it returns as effects. The one exception is that
// it reads stored entries back through RaftLog.
//
// The caller must carry out Effects in this order: send_now may leave at once; then write `log` durably; then `send`;
// then report Persisted; then act on committed, reads and proposals.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/consensus/raft_log.hpp"
#include "core/consensus/rules.hpp"

namespace quorate {

struct RaftConfig {
  NodeId id;
  Instance instance = 0;
  bool has_content = true;  // false (it is being repaired): leads like a witness, only to hand over
  TimeUs heartbeat_us = 50'000;
  TimeUs election_timeout_us = 600'000;
  // For how long followers may not be told that entries are committed: under load the next entries tell them, and that
  // saves half of all messages.
  TimeUs commit_notice_us = 1'000;
  std::size_t max_append_bytes = 1024UL * 1024;         // of entries in one AppendRequest
  std::size_t max_in_flight_bytes = 8UL * 1024 * 1024;  // sent to one follower and not acknowledged
  std::size_t max_in_flight_messages = 64;
  std::optional<Rule> broken = {};  // tests only
};

// --- events ---
struct Tick {
  TimeUs now = 0;
  std::uint64_t random = 0;  // fresh with every tick; the core's only source of chance
};
struct Received {
  RaftMessage message;
};
// Asks to append an entry, if this node leads in exactly `term`.
struct Proposal {
  std::uint64_t id = 0;  // given by the driver
  Term term = 0;
  EntryKind kind = EntryKind::batch;
  std::shared_ptr<const std::string> payload;
  // Somebody waits for the followers to apply it: they are told at once that it is committed.
  bool is_awaited = false;
};
// The log write of an earlier step is durable.
struct Persisted {
  Term hard_term = 0;
  Position last;
};
// Asks for an index which, once applied, makes a read linearizable.
struct ReadRequest {
  std::uint64_t id = 0;
};
struct Compacted {
  Position base;
};
// The connection to this node was closed: if it leads, its followers need not wait for the timeout to replace it.
struct PeerLost {
  NodeId node;
};
// Asks to hand leadership to this voter (thesis §3.10). Proposals are refused until it has it, or for an election
// timeout at most.
struct Transfer {
  NodeId to;
};
using Event = std::variant<Tick, Received, Proposal, Persisted, ReadRequest, Compacted, PeerLost, Transfer>;

// --- effects ---
enum class Refusal {
  none,
  not_leader,      // this node does not lead in that term
  transferring,    // leadership is on its way to another node
  change_pending,  // membership: an earlier change, or the leader's first entry, is not committed yet
  change_too_big,  // membership: more than one voter at once
  not_caught_up,   // membership: a new voter was no learner yet, or is behind
};
struct ProposalAnswer {
  std::uint64_t id = 0;
  Refusal refusal = Refusal::none;  // else nothing was appended
  Position position = {};  // of the entry, if appended. It is decided only when `committed` passes it
};
struct ReadAnswer {
  std::uint64_t id = 0;
  bool confirmed = false;  // false: this node does not lead (any more)
  Index index = 0;
};

struct Effects {
  std::vector<RaftMessage> send_now;  // depends on no write
  LogWrite log;
  std::vector<RaftMessage> send;  // only after `log` is durable
  Index committed = 0;            // decided and durable here up to this index; 0: as before
  std::vector<ProposalAnswer> proposals;
  std::vector<ReadAnswer> reads;
  std::optional<SnapshotOffer> snapshot_wanted;  // the next entries are not to be had from the leader's log
};

class Raft {
 public:
  // `applied` is what the database already holds: it is known to be committed.
  Raft(RaftConfig config, StoredLog stored, LogStore& store, Index applied);

  // Takes events that arrived together, in order. Pure but for reading stored entries.
  Effects step(std::span<const Event> events);

  Role role() const { return role_; }
  Term term() const { return hard_.term; }
  const NodeId& leader() const { return leader_; }  // of the current term, as far as known
  Index commit_index() const { return commit_; }
  // The commit index that the leader has told of in this life: how far there is to catch up. 0: not heard yet.
  Index leader_commit() const { return leader_commit_; }
  // When a leader was last heard from; 0: not in this life.
  TimeUs last_leader_contact() const { return last_leader_contact_; }
  const RaftLog& log() const { return log_; }
  // Leader: the first entry of its term. What it decides itself comes after this one is applied.
  Index term_start() const { return term_start_; }
  // When the next Tick is due at the latest.
  TimeUs next_deadline() const;

  struct PeerView {
    Index match = 0;
    TimeUs last_contact = 0;
    bool needs_snapshot = false;  // its next entries have been compacted away
    bool answered = false;        // in this term
  };
  // Leader: what is known of the other members.
  std::map<NodeId, PeerView> peers() const;

 private:
  // A leader's view of one follower (etcd's progress: probe until the logs are known to agree, then pipeline).
  struct Progress {
    std::uint64_t match = 0;
    Index next = 1;
    bool probing = true;
    bool probe_sent = false;
    std::deque<std::pair<Index, std::size_t>>
        in_flight;  // last index and bytes of each unacknowledged request
    std::size_t in_flight_bytes = 0;
    std::uint64_t round = 0;  // highest leadership round it confirmed
    TimeUs last_contact = 0;
    bool heartbeat_due = false;
    Index told_commit = 0;
    bool answered = false;
    std::uint64_t asked_to_lead = 0;  // by a leader that is not fit to lead
    Instance instance = 0;
    TimeUs leaves_at = 0;  // no member any more, but told so until then; 0: a member
  };

  bool keeps(Rule rule) const { return config_.broken != rule; }
  const Membership& membership() const {
    return keeps(Rule::change_rolls_back) ? log_.membership() : latest_membership_;
  }
  bool is_voter() const;
  // False for a witness, and while the content is repaired: it can lead, so that a log that only it has is not lost to
  // the others, but campaigns only when nobody else seems able to win, and hands leadership on at once.
  bool is_fit_to_lead() const;

  // raft.cpp
  void on(const Tick& event);
  void on(const Received& event);
  void on(const Proposal& event);
  void on(const Persisted& event);
  void on(const Compacted& event) { log_.compacted(event.base); }
  void on(const PeerLost& event);
  void on(const Transfer& event);
  void become_follower(Term term, NodeId leader);
  void set_hard_state(HardState hard);
  void append(EntryKind kind, std::shared_ptr<const std::string> payload);
  void append(Entry entry);
  void truncate_from(Index index);
  void advance_commit(Index index);
  void reply(const NodeId& to, RaftBody body) { effects_.send.push_back({config_.id, to, std::move(body)}); }

  // raft_election.cpp
  void reset_election_timer();
  void start_pre_vote();
  void start_election(bool transfer);
  void become_leader();
  void step_down_without_quorum();
  void count_votes();
  void handle(const NodeId& from, const VoteRequest& request);
  void handle(const NodeId& from, const VoteReply& vote);
  bool hears_from_leader() const;
  void reset_campaign_timer();

  // raft_membership.cpp
  Refusal refusal_of(const Proposal& proposal) const;
  Refusal refusal_of_change(const Membership& next) const;
  bool has_caught_up(const Member& learner) const;
  void follow_membership();
  bool counts(const NodeId& from, Instance instance) const;
  void drive_transfer();
  void hand_over_if_unfit();
  void handle(const NodeId& from, const TimeoutNow& request);
  bool is_majority(const std::set<NodeId>& nodes) const;
  // The highest value that a majority of voters has reached; this node has reached `own`.
  std::uint64_t reached_by_majority(std::uint64_t own, std::uint64_t Progress::* reached) const;

  // raft_replication.cpp
  void handle(const NodeId& from, const AppendRequest& request);
  void handle(const NodeId& from, const AppendReply& answer);
  void handle(const NodeId& from, const SnapshotOffer& offer);
  bool hears_leader(const NodeId& from, Term term);
  void on_rejection(Progress& peer, const AppendReply& answer);
  void send_appends();
  bool send_append(const NodeId& to, Progress& peer, bool force);
  void commit_by_counting();
  void tell_commit(bool at_once);
  void request_heartbeats();

  // raft_reads.cpp
  void on(const ReadRequest& event);
  void answer_reads();
  void fail_reads();

  RaftConfig config_;
  RaftLog log_;
  HardState hard_;
  Role role_ = Role::follower;
  NodeId leader_;
  Index commit_ = 0;
  Index reported_commit_ = 0;
  Index leader_commit_ = 0;

  TimeUs now_ = 0;
  std::uint64_t random_ = 0;
  bool started_ = false;
  TimeUs election_deadline_ = 0;
  TimeUs last_leader_contact_ = 0;

  std::set<NodeId> votes_;
  Membership latest_membership_;  // with Rule::change_rolls_back broken

  // Leader only.
  std::map<NodeId, Progress> peers_;
  Index term_start_ = 0;
  TimeUs heartbeat_deadline_ = 0;
  // When the followers are told of the commit index at the latest; 0: they know it.
  TimeUs notice_deadline_ = 0;
  Index awaited_ = 0;  // up to this entry they are told at once
  std::uint64_t round_ = 0;
  bool round_opened_ = false;  // in this step
  struct PendingRead {
    std::uint64_t id = 0;
    Index index = 0;
    std::uint64_t round = 0;
  };
  std::deque<PendingRead> reads_;
  struct Handover {
    NodeId to;
    TimeUs deadline = 0;
    bool told = false;
  };
  std::optional<Handover> handover_;

  Effects effects_;
};

}  // namespace quorate
