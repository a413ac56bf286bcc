// The transport between the nodes of one process: a message is a move into the receiver's queue.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>

#include "core/transport.hpp"

namespace quorate {

class MemoryTransport final : public LocalTransport {
 public:
  void attach(const NodeId& node, MessageReceiver& receiver) override {
    const std::unique_lock lock(mutex_);
    receivers_[node] = &receiver;
  }
  void detach(const NodeId& node) override {
    {
      const std::unique_lock lock(mutex_);
      if (receivers_.erase(node) == 0) return;
    }
    const std::shared_lock lock(mutex_);
    for (const auto& [id, receiver] : receivers_) receiver->on_unreachable(node);
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
