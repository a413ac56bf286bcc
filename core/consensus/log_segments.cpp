#include "core/consensus/log_segments.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace quorate {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kMagic{'Q', 'L', 'o', 'g', '1', '\r', '\n', '\xff'};
constexpr std::string_view kSuffix = ".segment";
constexpr std::size_t kNameDigits = 16;

std::string damage_text(const fs::path& path, std::size_t at) {
  return path.string() + " is damaged at byte " + std::to_string(at);
}

// False leaves errno.
bool write_at(const File& file, std::size_t at, std::array<std::string_view, 3> parts) {
  while (true) {
    std::array<iovec, 3> pieces{};
    int count = 0;
    for (const std::string_view part : parts) {
      if (!part.empty())
        pieces[count++] = {.iov_base = const_cast<char*>(part.data()), .iov_len = part.size()};
    }
    if (count == 0) return true;
    const ssize_t written = ::pwritev(file.descriptor(), pieces.data(), count, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    at += static_cast<std::size_t>(written);
    auto left = static_cast<std::size_t>(written);
    for (std::string_view& part : parts) {
      const std::size_t done = std::min(left, part.size());
      part.remove_prefix(done);
      left -= done;
    }
  }
}

std::optional<LogPlace> start_in(const std::string& name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  LogPlace start = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNameDigits, start, 16);
  if (error != std::errc{} || end != name.data() + kNameDigits) return std::nullopt;
  return start;
}

}  // namespace

Result<std::unique_ptr<LogSegments>> LogSegments::open(const fs::path& folder, const Visitor& visit,
                                                       Limits limits) {
  auto lock = FolderLock::try_take(folder, "process " + std::to_string(::getpid()));
  if (!lock) return std::unexpected(lock.error());
  if (*lock == nullptr) return fail(ErrorCode::io_error, "another process uses " + folder.string());
  std::unique_ptr<LogSegments> segments(new LogSegments(folder, std::move(*lock), limits));
  if (auto found = segments->find_segments(); !found) return std::unexpected(found.error());
  if (auto scanned = segments->scan(visit); !scanned) return std::unexpected(scanned.error());
  return segments;
}

Result<void> LogSegments::find_segments() {
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, error)) {
    if (const auto start = start_in(file.path().filename().string())) starts_.push_back(*start);
  }
  if (error) return fail(ErrorCode::io_error, "cannot list " + folder_.string() + ": " + error.message());
  std::ranges::sort(starts_);
  if (!starts_.empty()) return {};
  if (auto begun = begin_segment(); !begun) return begun;
  return sync_folder(folder_of(folder_));
}

Result<void> LogSegments::scan(const Visitor& visit) {
  for (const LogPlace start : starts_) {
    const bool is_last = start == starts_.back();
    const fs::path path = path_of(start);
    last_.emplace(path, O_RDWR);
    struct stat status{};
    std::string bytes;
    if (!last_->is_open() || ::fstat(last_->descriptor(), &status) != 0 ||
        !read_at(*last_, 0, static_cast<std::size_t>(status.st_size), bytes)) {
      return file_error("read", path);
    }
    if (start != starts_.front() && start != end_) {
      return fail(ErrorCode::corrupt, "what precedes " + path.string() + " is damaged or missing");
    }
    auto used = scan_segment(start, bytes, visit);
    if (!used) return std::unexpected(used.error());
    end_ = start + *used;
    if (!is_last) continue;
    if (auto settled = settle_end(bytes, *used); !settled) return settled;
  }
  return {};
}

// Returns how many bytes of intact frames the segment begins with.
Result<std::size_t> LogSegments::scan_segment(LogPlace start, std::string_view bytes, const Visitor& visit) {
  std::size_t at = 0;
  while (const auto frame = frame_at(bytes, at, start + at)) {
    if (auto seen = visit(start + at, at == 0, frame->content); !seen) return std::unexpected(seen.error());
    at = frame->end;
  }
  const std::string_view magic(kMagic.data(), kMagic.size());
  for (std::size_t next = bytes.find(magic, at); next != std::string_view::npos;
       next = bytes.find(magic, next + 1)) {
    if (!frame_at(bytes, next, start + next)) continue;
    return fail(ErrorCode::corrupt, damage_text(path_of(start), at));
  }
  return at;
}

// What a crash left half done goes, and what it left in the system's memory only becomes durable: nobody asks again.
Result<void> LogSegments::settle_end(std::string_view bytes, std::size_t used) {
  allocated_ = bytes.size();
  if (bytes.find_first_not_of('\0', used) != std::string_view::npos) {
    if (::ftruncate(last_->descriptor(), static_cast<off_t>(used)) != 0)
      return file_error("cut", path_of(starts_.back()));
    allocated_ = used;
  }
  if (!last_->sync()) return file_error("sync", path_of(starts_.back()));
  return {};
}

LogSegments::Head LogSegments::head_of(LogPlace place, std::string_view content) {
  Head head{.magic = kMagic, .place = place, .length = content.size(), .checksum = 0};
  const XXH64_hash_t seed = XXH3_64bits(&head, sizeof(head));
  head.checksum = XXH3_64bits_withSeed(content.data(), content.size(), seed);
  return head;
}

// None: there is no intact frame of this place.
std::optional<LogSegments::Found> LogSegments::frame_at(std::string_view segment, std::size_t at,
                                                        LogPlace place) {
  Head head{};
  if (segment.size() < at + sizeof(head)) return std::nullopt;
  std::memcpy(&head, segment.data() + at, sizeof(head));
  const std::string_view rest = segment.substr(at + sizeof(head));
  if (head.magic != kMagic || head.place != place || head.length > rest.size()) return std::nullopt;
  const std::string_view content = rest.substr(0, head.length);
  if (head_of(place, content).checksum != head.checksum) return std::nullopt;
  return Found{.content = content, .end = at + sizeof(head) + head.length};
}

bool LogSegments::next_begins_segment() const {
  const LogPlace used = end_ - starts_.back();
  return used == 0 || used >= limits_.segment_bytes;
}

Result<LogPlace> LogSegments::append(std::string_view content) {
  if (std::exchange(failed_, true)) return fail(ErrorCode::io_error, "an earlier write to the log failed");
  if (next_begins_segment() && end_ != starts_.back()) {
    if (auto begun = begin_segment(); !begun) return std::unexpected(begun.error());
  }
  const Head head = head_of(end_, content);
  const std::size_t at = end_ - starts_.back();
  const std::size_t after = at + sizeof(head) + content.size();
  const std::size_t growth = after <= allocated_ ? 0 : limits_.growth_bytes - after % limits_.growth_bytes;
  const bool written = write_at(*last_, at,
                                {std::string_view(reinterpret_cast<const char*>(&head), sizeof(head)),
                                 content, std::string_view(zeros_).substr(0, growth)}) &&
                       ::fdatasync(last_->descriptor()) == 0;
  if (!written) return file_error("write", path_of(starts_.back()));
  allocated_ = std::max(allocated_, after + growth);
  failed_ = false;
  return std::exchange(end_, end_ + sizeof(head) + content.size());
}

// The file is there to stay before a frame is written to it.
Result<void> LogSegments::begin_segment() {
  const fs::path path = path_of(end_);
  last_.emplace(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!last_->is_open()) return file_error("create", path);
  starts_.push_back(end_);
  allocated_ = 0;
  return sync_folder(folder_);
}

Result<std::string> LogSegments::read(LogPlace frame) const {
  const LogPlace start = *std::prev(std::ranges::upper_bound(starts_, frame));
  const fs::path path = path_of(start);
  const File file(path, O_RDONLY);
  const std::size_t at = frame - start;
  std::string bytes;
  if (!file.is_open() || !read_at(file, at, sizeof(Head), bytes)) return file_error("read", path);
  Head head{};
  if (bytes.size() == sizeof(head)) std::memcpy(&head, bytes.data(), sizeof(head));
  // A damaged length must not ask for more memory than there is file.
  struct stat status{};
  if (::fstat(file.descriptor(), &status) != 0) return file_error("read", path);
  const std::size_t length = std::min<std::size_t>(head.length, static_cast<std::size_t>(status.st_size));
  if (!read_at(file, at, sizeof(head) + length, bytes)) return file_error("read", path);
  if (!frame_at(bytes, 0, frame)) {
    return fail(ErrorCode::corrupt, damage_text(path, at));
  }
  bytes.erase(0, sizeof(head));
  return bytes;
}

Result<void> LogSegments::remove_before(LogPlace frame) {
  if (starts_.size() < 2 || starts_[1] > frame) return {};
  const fs::path path = path_of(starts_.front());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("remove", path);
  starts_.erase(starts_.begin());
  return sync_folder(folder_);  // a later one must not be gone while this one is still there
}

fs::path LogSegments::path_of(LogPlace start) const {
  std::array<char, kNameDigits + 1> name{};
  std::snprintf(name.data(), name.size(), "%016" PRIx64, start);
  return folder_ / (std::string(name.data()) + std::string(kSuffix));
}

}  // namespace quorate
