#include "core/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace quorate {

Result<std::unique_ptr<FolderLock>> FolderLock::try_take(const std::filesystem::path& folder,
                                                         const std::string& holder) {
  const std::filesystem::path path = folder / "lock";
  const auto failed = [&](const std::string& why) {
    return fail(ErrorCode::io_error, "cannot lock " + path.string() + ": " + why);
  };
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return failed(error.message());
  const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (file < 0) return failed(std::strerror(errno));
  std::unique_ptr<FolderLock> lock(new FolderLock(file));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    return failed(std::strerror(errno));
  }
  const std::string text = holder + "\n";
  const bool written = ::ftruncate(file, 0) == 0 && ::write(file, text.data(), text.size()) >= 0;
  if (!written) return failed(std::strerror(errno));
  return lock;
}

FolderLock::~FolderLock() {
  ::close(file_);
}

}  // namespace quorate
