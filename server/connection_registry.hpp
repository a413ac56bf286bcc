// Knows all connections of a server, so that they can be counted and ended. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "server/session.hpp"

namespace quorate {

class ConnectionRegistry {
 public:
  // Returns how many there are now, the new one included.
  std::size_t add(std::shared_ptr<Session> session);
  void remove(const std::shared_ptr<Session>& session);
  std::vector<std::shared_ptr<Session>> all() const;
  bool wait_until_empty(std::chrono::milliseconds time);

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_set<std::shared_ptr<Session>> sessions_;  // guarded by mutex_
};

}  // namespace quorate
