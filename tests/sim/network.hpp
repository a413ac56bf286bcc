// The simulated network: delays, drops, duplicates, reorders and cuts links in one or both directions.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/transport.hpp"
#include "tests/sim/scheduler.hpp"

namespace quorate::sim {

class Network final : public Transport {
 public:
  Network(Scheduler& scheduler, Executor& executor) : scheduler_(scheduler), executor_(executor) {}

  void attach(const NodeId& node, MessageReceiver& receiver) { receivers_[node] = &receiver; }
  void detach(const NodeId& node);
  // What it has sent and is still under way never arrives.
  void lose_in_flight_from(const NodeId& node) { ++lives_[node]; }

  void send(Message message) override;
  // A dead process's connections are closed, a cut link tells nothing.
  bool is_reachable(const NodeId& node) const override {
    return !tells_of_crashes || receivers_.contains(node);
  }

  void cut(const NodeId& from, const NodeId& to) { cut_.insert({from, to}); }
  void slow_down_to(const NodeId& to, std::int64_t by_us) { extra_delay_us_[to] = by_us; }
  void heal() {
    cut_.clear();
    extra_delay_us_.clear();
  }
  // Undoes every fault for good; from now on a message takes up to `delay_us`.
  void calm(std::int64_t delay_us);

  int drop_per_thousand = 0;
  int duplicate_per_thousand = 0;
  bool keeps_order = true;
  bool tells_of_crashes = true;
  std::int64_t max_delay_us = 2'000;
  std::uint64_t sent = 0;

 private:
  void deliver_later(Message message);

  Scheduler& scheduler_;
  Executor& executor_;
  std::map<NodeId, MessageReceiver*> receivers_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::map<NodeId, int> lives_;
  std::map<NodeId, std::int64_t> extra_delay_us_;  // of what is sent to this node
  std::map<std::pair<NodeId, NodeId>, std::int64_t> last_delivery_us_;
};

}  // namespace quorate::sim
