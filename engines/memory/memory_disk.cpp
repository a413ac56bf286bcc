#include "engines/memory/memory_disk.hpp"

#include <algorithm>

namespace quorate {

MemoryDisk::MemoryDisk() {
  versions_.push_back(std::make_shared<const MemoryContent>());
}

MemoryDisk::Version MemoryDisk::current() const {
  const std::lock_guard lock(mutex_);
  return versions_.back();
}

void MemoryDisk::commit(Version version) {
  const std::lock_guard lock(mutex_);
  versions_.push_back(std::move(version));
  if (versions_.size() > kMaxUnflushed + 1) versions_.pop_front();
}

void MemoryDisk::replace(Version version) {
  const std::lock_guard lock(mutex_);
  versions_.clear();
  versions_.push_back(std::move(version));
}

void MemoryDisk::flush() {
  const std::lock_guard lock(mutex_);
  versions_.erase(versions_.begin(), versions_.end() - 1);
}

void MemoryDisk::crash(std::uint64_t lose) {
  const std::lock_guard lock(mutex_);
  const std::size_t lost = std::min<std::uint64_t>(lose, versions_.size() - 1);
  versions_.erase(versions_.end() - static_cast<std::ptrdiff_t>(lost), versions_.end());
}

std::uint64_t MemoryDisk::unflushed() const {
  const std::lock_guard lock(mutex_);
  return versions_.size() - 1;
}

}  // namespace quorate
