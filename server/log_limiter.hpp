// Keeps a log readable: the same line comes at most once in ten seconds. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace quorate {

class LogLimiter {
 public:
  // True when the line with this key may be written now.
  bool allows(const std::string& key) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = written_.find(key);
    if (found != written_.end()) {
      if (now - found->second < kInterval) return false;
      found->second = now;
      return true;
    }
    if (written_.size() >= kMaxKeys) {
      std::erase_if(written_, [now](const auto& entry) { return now - entry.second >= kInterval; });
    }
    return written_.size() < kMaxKeys && written_.emplace(key, now).second;
  }

 private:
  static constexpr std::chrono::seconds kInterval{10};
  static constexpr std::size_t kMaxKeys = 1'000;

  std::mutex mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> written_;  // guarded by mutex_
};

}  // namespace quorate
