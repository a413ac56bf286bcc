// The log on disk (design §4): every LogWrite is one frame of LogSegments, and so one atomic step and one fdatasync.
// Frames are never changed: truncating is itself written down, and compaction removes whole segments. The first frame of
// a segment repeats everything that is to be remembered apart from entries.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "core/consensus/log_segments.hpp"
#include "core/consensus/log_store.hpp"

namespace quorate {

// Whose log this is. Empty until it belongs to a cluster.
struct LogIdentity {
  std::string cluster_id;
  NodeId node;
};
struct LogOwner {
  Instance instance = 0;
  LogIdentity identity;
};
// Where the log begins: this entry and those before it are not in it.
struct LogBase {
  Position position;
  Membership membership;
};
// What a frame consists of, in the order in which it is applied.
struct LogFrame {
  std::optional<LogOwner> owner;
  std::optional<LogBase> base;
  std::optional<HardState> hard_state;
  std::optional<Index> truncate_from;
  std::vector<Entry> entries;
};

class FileLogStore final : public LogStore {
 public:
  // Opens the folder, or creates it, and checks every byte that it retains. Errors: disk_full, io_error, corrupt.
  static Result<std::unique_ptr<FileLogStore>> open(const std::filesystem::path& folder,
                                                    LogSegments::Limits limits = {});

  Result<StoredLog> load() override;
  Result<void> write(const LogWrite& change) override;
  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes) override;
  Result<void> compact(Position base, const Membership& membership) override;
  Result<void> install(Position base, const Membership& membership) override;
  std::uint64_t bytes() override;

  const LogIdentity& identity() const { return owner_.identity; }
  Result<void> set_identity(const LogIdentity& identity);  // errors: as of write()

 private:
  FileLogStore() = default;
  Index last_index() const { return begin_ + frames_.size(); }
  bool holds(Position position) const;
  bool replaying() const { return segments_ == nullptr; }

  Result<void> put_down(LogFrame frame);
  Result<void> apply(LogPlace place, LogFrame frame);
  void move_base(LogBase base);
  void truncate(Index from);
  Result<void> add(const Entry& entry, LogPlace place);

  std::unique_ptr<LogSegments> segments_;
  LogOwner owner_;
  HardState hard_state_;
  LogBase base_;
  bool base_is_stored_ = true;
  // The index before the first entry here: the base's. Only while the frames are read on opening it may be larger, when
  // the first ones follow on entries whose segment is gone; a later frame then says what the base has become.
  Index begin_ = 0;
  std::deque<LogPlace> frames_;          // of each entry
  std::map<Index, Term> term_starts_;    // the first entry of each run of equal terms
  std::map<Index, Membership> changes_;  // the memberships among the entries

  // The latest entries, contiguous up to the last one, so that replicating and applying them reads no disk.
  static constexpr std::size_t kCacheBytes = 32UL * 1024 * 1024;
  std::deque<Entry> cache_;
  std::size_t cache_bytes_ = 0;
};

}  // namespace quorate
