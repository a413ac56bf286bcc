#include "core/snapshot_files.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "core/file.hpp"
#include "core/paced_writeback.hpp"
#include "core/running_digest.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

Result<RunningDigest> digest_of_file(const fs::path& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) return file_error("read", path);
  RunningDigest digest;
  std::vector<char> buffer(1024UL * 1024);
  while (true) {
    const ssize_t count = ::read(file.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("read", path);
    if (count == 0) break;
    digest.add(buffer.data(), static_cast<std::size_t>(count));
  }
  return digest;
}

// At the file's position. False leaves errno.
bool write_all(const File& file, const std::string& bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(file.descriptor(), bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    written += static_cast<std::size_t>(count);
  }
  return true;
}

class SnapshotFiles final : public SnapshotStore {
 public:
  explicit SnapshotFiles(const fs::path& database)
      : lent_(with_suffix(database, ".lent")),
        incoming_(with_suffix(database, ".incoming")),
        incoming_info_(with_suffix(database, ".incoming-info")),
        complete_(with_suffix(database, ".snapshot")),
        replacement_(with_suffix(database, ".replacement")),
        prepared_(with_suffix(database, ".replacement-snapshot")) {
    forget();
  }
  ~SnapshotFiles() override { forget(); }

  Result<SnapshotInfo> make(StorageEngine& engine) override {
    forget();
    auto position = engine.snapshot(lent_);
    if (!position) return std::unexpected(position.error());
    auto digest = digest_of_file(lent_);
    if (!digest) return std::unexpected(digest.error());
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(lent_, error);
    if (error) return fail(ErrorCode::io_error, "cannot measure " + lent_.string() + ": " + error.message());
    return SnapshotInfo{.name = to_string(digest->digest()) + "-" + std::to_string(bytes),
                        .position = *position,
                        .total_bytes = bytes,
                        .digest = digest->digest()};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t max_bytes) override {
    const File file(lent_, O_RDONLY);
    if (!file.is_open()) return file_error("read", lent_);
    std::string bytes;
    if (!read_at(file, offset, max_bytes, bytes)) return file_error("read", lent_);
    return bytes;
  }

  void forget() override {
    std::error_code ignored;
    fs::remove(lent_, ignored);
  }

  std::optional<std::pair<SnapshotInfo, std::uint64_t>> incoming() override {
    std::ifstream file(incoming_info_);
    SnapshotInfo info;
    std::string digest;
    if (!(file >> info.name >> info.position.index >> info.position.term >> info.total_bytes >> digest)) {
      return std::nullopt;
    }
    info.digest = parse_digest(digest);
    std::error_code error;
    const std::uint64_t received = fs::file_size(incoming_, error);
    if (error || received > info.total_bytes) return std::nullopt;
    return std::pair(info, received);
  }

  Result<void> begin(const SnapshotInfo& info) override {
    drop_incoming();
    const File file(incoming_, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return file_error("create", incoming_);
    std::ofstream text(incoming_info_);
    text << info.name << ' ' << info.position.index << ' ' << info.position.term << ' ' << info.total_bytes
         << ' ' << to_string(info.digest) << '\n';
    text.close();
    if (!text) return file_error("write", incoming_info_);
    received_.reset();
    return {};
  }

  Result<void> append(const std::string& bytes) override {
    const File file(incoming_, O_WRONLY | O_APPEND);
    if (!file.is_open()) return file_error("write", incoming_);
    if (!write_all(file, bytes)) return file_error("write", incoming_);
    return count_received(file.descriptor(), bytes);
  }

  Result<Digest> incoming_digest() override {
    const auto begun = incoming();
    if (begun && begun->second == received_.size()) return received_.digest();
    const auto all = digest_of_file(incoming_);
    if (!all) return std::unexpected(all.error());
    return all->digest();
  }

  void drop_incoming() override {
    std::error_code ignored;
    fs::remove(incoming_info_, ignored);
    fs::remove(incoming_, ignored);
  }

  Result<void> complete() override {
    {
      const File file(incoming_, O_RDWR);
      if (!file.is_open() || ::fsync(file.descriptor()) != 0) return file_error("sync", incoming_);
    }
    if (std::rename(incoming_.c_str(), complete_.c_str()) != 0) return file_error("rename", incoming_);
    drop_incoming();
    return sync_folder(folder_of(complete_));
  }

  Result<void> write_replacement(const RestoreRecord& piece) override {
    const File file(replacement_, O_WRONLY | O_CREAT | (piece.offset == 0 ? O_TRUNC : 0));
    if (!file.is_open()) return file_error("write", replacement_);
    const off_t size = ::lseek(file.descriptor(), 0, SEEK_END);
    if (size < 0) return file_error("measure", replacement_);
    if (piece.offset > static_cast<std::uint64_t>(size)) return {};
    if (::lseek(file.descriptor(), static_cast<off_t>(piece.offset), SEEK_SET) < 0)
      return file_error("write", replacement_);
    if (!write_all(file, piece.bytes) || !file.sync()) return file_error("write", replacement_);
    return piece.offset == 0 ? sync_folder(folder_of(replacement_)) : Result<void>{};
  }

  Result<bool> has_replacement(const RestoreEnd& end) override {
    std::error_code error;
    if (fs::file_size(replacement_, error) != end.total_bytes || error) return false;
    const auto digest = digest_of_file(replacement_);
    if (!digest) return std::unexpected(digest.error());
    return digest->digest() == end.digest;
  }

  Result<void> complete_replacement(StorageEngine& engine, const ClusterMeta& meta,
                                    const std::vector<KeyedOutcome>& outcomes) override {
    std::error_code error;
    fs::copy_file(replacement_, prepared_, fs::copy_options::overwrite_existing, error);
    if (error)
      return fail(ErrorCode::io_error, "cannot copy " + replacement_.string() + ": " + error.message());
    if (auto made = engine.make_snapshot_of(prepared_, meta, outcomes); !made) {
      fs::remove(prepared_, error);
      return made;
    }
    if (std::rename(prepared_.c_str(), complete_.c_str()) != 0) return file_error("rename", prepared_);
    return sync_folder(folder_of(complete_));
  }

  std::optional<fs::path> completed() override {
    std::error_code ignored;
    if (!fs::exists(complete_, ignored)) return std::nullopt;
    return complete_;
  }

  Result<void> remove_completed() override {
    std::error_code ignored;
    fs::remove(replacement_, ignored);
    if (::unlink(complete_.c_str()) != 0 && errno != ENOENT) return file_error("remove", complete_);
    return sync_folder(folder_of(complete_));
  }

 private:
  // After a restart, what was there before is read once.
  Result<void> count_received(int descriptor, const std::string& bytes) {
    const off_t end = ::lseek(descriptor, 0, SEEK_END);
    if (end < 0) return file_error("measure", incoming_);
    writeback_.wrote(descriptor, static_cast<std::uint64_t>(end));
    if (received_.size() + bytes.size() == static_cast<std::uint64_t>(end)) {
      received_.add(bytes.data(), bytes.size());
      return {};
    }
    auto all = digest_of_file(incoming_);
    if (!all) return std::unexpected(all.error());
    received_ = std::move(*all);
    return {};
  }

  const fs::path lent_;
  const fs::path incoming_;
  const fs::path incoming_info_;
  const fs::path complete_;
  const fs::path replacement_;
  const fs::path prepared_;
  RunningDigest received_;  // of incoming_, once something has been appended
  PacedWriteback writeback_;
};

}  // namespace

std::unique_ptr<SnapshotStore> open_snapshot_files(const fs::path& database) {
  return std::make_unique<SnapshotFiles>(database);
}

}  // namespace quorate
