// A sequence of frames in the files of one folder: appended durably, read back by their place, dropped from the front.
// A frame is written and found again as a whole or not at all.
//
// On the disk: `lock`, held while the folder is open, and segments. A segment is named by the place of its first byte,
// in 16 hexadecimal digits; a place counts the bytes of all frames ever written, so that a segment begins where the one
// before it ends. A frame is a head of 32 bytes (magic, its own place, the length of its content, a checksum of all of
// these) and its content. A segment grows in steps of zeros, which frames then overwrite: so most writes change no
// metadata of the file, and fdatasync costs one write of data.
//
// A crash may leave half a frame at the end, which nobody was told is durable: it is dropped when the folder is opened.
// If an intact frame follows after what is damaged, durable bytes were lost, and that is an error. (A last frame that
// was durable and has rotted since cannot be told from half a frame.)
//
// Threads: one at a time; blocks for the disk.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/folder_lock.hpp"

namespace quorate {

using LogPlace = std::uint64_t;

class LogSegments {
 public:
  struct Limits {
    std::size_t segment_bytes = 16UL * 1024 * 1024;  // no frame begins in a segment beyond this
    std::size_t growth_bytes = 256UL * 1024;
  };
  using Visitor = std::function<Result<void>(LogPlace frame, bool begins_segment, std::string_view content)>;

  // Opens the folder, or creates it, and shows every frame from the first one on; an error of the visitor is passed on.
  // Errors: io_error (also: another process has it), corrupt.
  static Result<std::unique_ptr<LogSegments>> open(const std::filesystem::path& folder, const Visitor& visit,
                                                   Limits limits);

  // Whether the next frame is the first of its segment. Segments before it may be removed some day: such a frame must
  // say all that is to be remembered of them.
  bool next_begins_segment() const;

  // Durable on return. After an error nothing can be appended any more: a disk that has failed is not asked again.
  // Errors: disk_full, io_error.
  Result<LogPlace> append(std::string_view content);

  // Precondition: `frame` was shown or returned, and not removed. Errors: io_error, corrupt.
  Result<std::string> read(LogPlace frame) const;

  // Frames before `frame` are not needed any more. Removes at most one segment, so as not to take long.
  // Error: io_error.
  Result<void> remove_before(LogPlace frame);

  LogPlace end() const { return end_; }

 private:
  struct Head {
    std::array<char, 8> magic;
    LogPlace place;
    std::uint64_t length;  // of the content
    std::uint64_t checksum;
  };
  struct Found {  // a frame in a segment's bytes
    std::string_view content;
    std::size_t end;
  };

  LogSegments(std::filesystem::path folder, std::unique_ptr<FolderLock> lock, Limits limits)
      : folder_(std::move(folder)), lock_(std::move(lock)), limits_(limits) {}
  static Head head_of(LogPlace place, std::string_view content);
  static std::optional<Found> frame_at(std::string_view segment, std::size_t at, LogPlace place);
  Result<void> find_segments();
  Result<void> scan(const Visitor& visit);
  Result<std::size_t> scan_segment(LogPlace start, std::string_view bytes, const Visitor& visit);
  Result<void> settle_end(std::string_view bytes, std::size_t used);
  Result<void> begin_segment();
  std::filesystem::path path_of(LogPlace start) const;

  std::filesystem::path folder_;
  std::unique_ptr<FolderLock> lock_;
  Limits limits_;
  std::string zeros_ = std::string(limits_.growth_bytes, '\0');
  std::vector<LogPlace> starts_;  // of the segments, ascending; never empty once open
  std::optional<File> last_;      // the last segment, which is written to
  std::size_t allocated_ = 0;     // bytes that it has, zeros included
  LogPlace end_ = 0;
  bool failed_ = false;
};

}  // namespace quorate
