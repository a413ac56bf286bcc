// A lock in a folder that several processes reach, perhaps on several hosts: one of them holds it at a time, and the
// system takes it back from a process that dies. It is only as good as the locks of the file system.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/error.hpp"

namespace quorate {

class FolderLock {
 public:
  // Takes the lock `folder`/lock, creating both, and writes `holder` into it for people to read; null if another holds
  // it. Does not wait for it. Error: io_error.
  static Result<std::unique_ptr<FolderLock>> try_take(const std::filesystem::path& folder,
                                                      const std::string& holder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace quorate
