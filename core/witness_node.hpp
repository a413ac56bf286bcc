// A witness: a voter with a log and no content, for clusters of two data nodes. It keeps what it has acknowledged, so that
// a data node that was away can get it, campaigns only when no data node seems able to win, and hands leadership to one
// at once (design §4).
//
// Threads: everything happens on the consensus executor; members marked [any] may be called from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/cluster_config.hpp"
#include "core/consensus/driver.hpp"

namespace quorate {

class WitnessNode final : public MessageReceiver, private ConsensusListener {
 public:
  struct Options {
    NodeId id;
    CoreLimits limits;
    Timing timing;
    std::unique_ptr<LogStore> log;
    Executor& consensus;
    Transport& transport;
    // It has stopped for good: to be opened again at once if installing, later if failed. Called on the consensus thread.
    std::function<void(NodeState state, Error why)> on_down;
    std::optional<Rule> broken = {};  // tests only
  };

  // Errors: io_error, corrupt.
  static Result<std::unique_ptr<WitnessNode>> open(Options options);

  void start();  // [any]
  void stop();   // [any] then stop the executor, then destroy

  void receive(Message message) override;            // [any]
  void on_unreachable(const NodeId& node) override;  // [any]

  const NodeId& id() const { return options_.id; }                              // [any]
  ConsensusDriver::View consensus_view() const { return driver_->view(); }      // [any]
  std::uint64_t views_published() const { return driver_->views_published(); }  // [any]

 private:
  explicit WitnessNode(Options options) : options_(std::move(options)) {}
  void on_committed(Committed) override {}
  void on_leadership(Leadership) override {}
  void on_log_failure(Error error) override;
  void on_snapshot_wanted(NodeId leader, SnapshotOffer offer) override;
  void go_down(NodeState state, Error why);

  Options options_;
  std::unique_ptr<ConsensusDriver> driver_;
  Instance instance_ = 0;
  std::atomic<bool> down_ = false;
};

}  // namespace quorate
