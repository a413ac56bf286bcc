// A witness: a voter with a log and no content, for clusters of two data nodes. It keeps what it has acknowledged, so that
// a data node that was away can get it, campaigns only when no data node seems able to win, and hands leadership to one
// at once (design §4).
//
// Threads: everything happens on the consensus executor; members marked [any] may be called from any thread.
#pragma once

#include <atomic>
#include <memory>

#include "core/cluster_config.hpp"
#include "core/participant.hpp"

namespace quorate {

class WitnessNode final : public MessageReceiver, public Participant, private ConsensusListener {
 public:
  struct Options {
    NodeId id;
    std::string cluster_id;
    CoreLimits limits;
    Timing timing;
    std::unique_ptr<LogStore> log;
    Executor& consensus;
    Transport& transport;
    NodeObserver& observer;
    std::optional<Rule> broken = {};  // tests only
  };

  // Errors: io_error, corrupt.
  static Result<std::unique_ptr<WitnessNode>> open(Options options);

  void start();  // [any]
  void stop();   // [any] then stop the executor, then destroy

  void receive(Message message) override;            // [any]
  void on_unreachable(const NodeId& node) override;  // [any]

  // Participant [any]
  const NodeId& id() const override { return options_.id; }
  Leadership leadership() const override { return driver_->leadership(); }
  bool reaches(const NodeId& node) const override { return options_.transport.is_reachable(node); }
  void send_call(const NodeId& to, Call call) override;
  Index applied_index() const override { return driver_->view().commit; }
  bool has_caught_up() const override;
  ClusterStatus status() const override;

  ConsensusDriver::View consensus_view() const { return driver_->view(); }      // [any]
  std::uint64_t views_published() const { return driver_->views_published(); }  // [any]

 private:
  explicit WitnessNode(Options options) : options_(std::move(options)) {}
  void on_committed(Committed) override {}
  void on_leadership(Leadership) override {}
  void on_log_failure(Error error) override;
  void on_snapshot_wanted(NodeId leader, SnapshotOffer offer) override;
  void answer(const NodeId& from, Call& call);
  void go_down(NodeState state, Error why);

  Options options_;
  std::unique_ptr<ConsensusDriver> driver_;
  std::shared_ptr<Outbox> outbox_;
  std::atomic<bool> down_ = false;
};

}  // namespace quorate
