#include "server/connection_registry.hpp"

namespace quorate {

std::size_t ConnectionRegistry::add(std::shared_ptr<Session> session) {
  const std::lock_guard lock(mutex_);
  sessions_.insert(std::move(session));
  return sessions_.size();
}

void ConnectionRegistry::remove(const std::shared_ptr<Session>& session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
  if (sessions_.empty()) empty_.notify_all();
}

std::vector<std::shared_ptr<Session>> ConnectionRegistry::all() const {
  const std::lock_guard lock(mutex_);
  return {sessions_.begin(), sessions_.end()};
}

bool ConnectionRegistry::wait_until_empty(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, time, [this] { return sessions_.empty(); });
}

}  // namespace quorate
