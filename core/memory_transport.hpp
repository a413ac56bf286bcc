// The transport between the nodes of one process: a message is a move into the receiver's queue.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>

#include "core/transport.hpp"

namespace quorate {

class MemoryTransport final : public Transport {
 public:
  // `receiver` must stay valid until detach() has returned.
  void attach(const NodeId& node, MessageReceiver& receiver) {
    const std::unique_lock lock(mutex_);
    receivers_[node] = &receiver;
  }
  void detach(const NodeId& node) {
    const std::unique_lock lock(mutex_);
    receivers_.erase(node);
  }

  void send(Message message) override {
    const std::shared_lock lock(mutex_);
    const auto found = receivers_.find(message.to);
    if (found != receivers_.end()) found->second->receive(std::move(message));
  }
  bool is_reachable(const NodeId& node) const override {
    const std::shared_lock lock(mutex_);
    return receivers_.contains(node);
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<NodeId, MessageReceiver*> receivers_;  // guarded by mutex_
};

}  // namespace quorate
