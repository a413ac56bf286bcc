#include "core/file.hpp"

#include <cerrno>
#include <cstring>

namespace quorate {

std::unexpected<Error> file_error(const std::string& what, const std::filesystem::path& path) {
  const ErrorCode code = errno == ENOSPC || errno == EDQUOT ? ErrorCode::disk_full : ErrorCode::io_error;
  return fail(code, "cannot " + what + " " + path.string() + ": " + std::strerror(errno));
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  if (!File(folder, O_RDONLY | O_DIRECTORY).sync()) return file_error("sync", folder);
  return {};
}

bool read_at(const File& file, std::uint64_t at, std::size_t size, std::string& bytes) {
  bytes.resize(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t count =
        ::pread(file.descriptor(), bytes.data() + filled, size - filled, static_cast<off_t>(at + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return true;
}

}  // namespace quorate
