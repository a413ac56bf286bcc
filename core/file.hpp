// Files as the system sees them, for those who must know what is on the disk.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace quorate {

// An open file, closed at the end. Failing to open it leaves errno.
class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (is_open()) ::close(descriptor_);
  }
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  // Makes it durable; for a folder, the names in it. False leaves errno.
  bool sync() const { return is_open() && ::fsync(descriptor_) == 0; }

 private:
  int descriptor_;
};

// The path with something added to its last name.
inline std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
  return path += suffix;
}

// What errno says of an attempt to `what` the file: disk_full or io_error.
std::unexpected<Error> file_error(const std::string& what, const std::filesystem::path& path);

// Makes the names in the folder durable. Errors: disk_full, io_error.
Result<void> sync_folder(const std::filesystem::path& folder);

// Reads up to `size` bytes from `at` on: fewer only where the file ends. False leaves errno.
bool read_at(const File& file, std::uint64_t at, std::size_t size, std::string& bytes);

inline std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace quorate
