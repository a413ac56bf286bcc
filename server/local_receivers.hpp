// The nodes of this process, as the other processes' messages reach them. Any thread; a receiver may send,
// and so receive, while it is being called.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "core/transport.hpp"

namespace quorate {

class LocalReceivers {
 public:
  // `receiver` must stay valid until detach() has returned, which waits for calls into it that are running and
  // tells the others that it is gone.
  void attach(const NodeId& node, MessageReceiver& receiver) {
    const std::unique_lock lock(mutex_);
    slots_[node] = std::make_shared<Slot>(receiver);
  }
  void detach(const NodeId& node) {
    std::shared_ptr<Slot> slot;
    {
      const std::unique_lock lock(mutex_);
      const auto found = slots_.find(node);
      if (found == slots_.end()) return;
      slot = std::move(found->second);
      slots_.erase(found);
    }
    slot->close();
    tell_unreachable(node);
  }

  bool has(const NodeId& node) const { return find(node) != nullptr; }
  std::vector<NodeId> all_but(const NodeId& node) const {
    const std::shared_lock lock(mutex_);
    std::vector<NodeId> nodes;
    for (const auto& [id, slot] : slots_) {
      if (id != node) nodes.push_back(id);
    }
    return nodes;
  }
  // False: message.to is not one of them, and the message is left as it was.
  bool deliver(Message& message) const {
    const std::shared_ptr<Slot> slot = find(message.to);
    return slot != nullptr &&
           slot->call([&](MessageReceiver& receiver) { receiver.receive(std::move(message)); });
  }
  void tell_unreachable(const NodeId& node) const {
    std::vector<std::shared_ptr<Slot>> all;
    {
      const std::shared_lock lock(mutex_);
      for (const auto& [id, slot] : slots_) all.push_back(slot);
    }
    for (const auto& slot : all)
      slot->call([&](MessageReceiver& receiver) { receiver.on_unreachable(node); });
  }

 private:
  // One attached receiver and the calls into it that are running.
  class Slot {
   public:
    explicit Slot(MessageReceiver& receiver) : receiver_(receiver) {}

    // False: it has been detached.
    template <typename Action>
    bool call(Action action) {
      {
        const std::lock_guard lock(mutex_);
        if (is_closed_) return false;
        ++running_;
      }
      action(receiver_);
      const std::lock_guard lock(mutex_);
      if (--running_ == 0 && is_closed_) idle_.notify_all();
      return true;
    }
    void close() {
      std::unique_lock lock(mutex_);
      is_closed_ = true;
      idle_.wait(lock, [this] { return running_ == 0; });
    }

   private:
    MessageReceiver& receiver_;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::size_t running_ = 0;  // guarded by mutex_
    bool is_closed_ = false;   // guarded by mutex_
  };

  std::shared_ptr<Slot> find(const NodeId& node) const {
    const std::shared_lock lock(mutex_);
    const auto found = slots_.find(node);
    return found == slots_.end() ? nullptr : found->second;
  }

  mutable std::shared_mutex mutex_;                // never held during a call
  std::map<NodeId, std::shared_ptr<Slot>> slots_;  // guarded by mutex_
};

}  // namespace quorate
