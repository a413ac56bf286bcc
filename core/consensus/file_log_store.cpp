#include "core/consensus/file_log_store.hpp"

#include <algorithm>
#include <iterator>

#include "core/random_number.hpp"
#include "core/wire_fields.hpp"

namespace quorate {
namespace wire {

// The order of a struct's fields is its form on the disk: a change needs another magic in log_segments.cpp.
void fields(auto& visit, Like<HardState> auto& m) {
  visit(m.term, m.voted_for);
}
void fields(auto& visit, Like<LogOwner> auto& m) {
  visit(m.instance, m.identity.cluster_id, m.identity.node);
}
void fields(auto& visit, Like<LogBase> auto& m) {
  visit(m.position, m.membership);
}
void fields(auto& visit, Like<LogFrame> auto& m) {
  visit(m.owner, m.base, m.hard_state, m.truncate_from, m.entries);
}

}  // namespace wire

namespace {

std::string encode(const LogFrame& frame) {
  Encoder out;
  wire::Writer{out}(frame);
  return out.take();
}

Result<LogFrame> decode(LogPlace place, std::string_view content) {
  LogFrame frame;
  Decoder in(content);
  wire::Reader{in}(frame);
  if (!in.failed() && in.at_end()) return frame;
  return fail(ErrorCode::corrupt, "the frame at " + std::to_string(place) + " is not of this version");
}

Instance draw_instance() {
  Instance instance = 0;
  while (instance == 0) instance = random_number();
  return instance;
}

std::unexpected<Error> because(const char* what, Error error) {
  error.message = std::string(what) + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<FileLogStore>> FileLogStore::open(const std::filesystem::path& folder,
                                                         LogSegments::Limits limits) {
  std::unique_ptr<FileLogStore> store(new FileLogStore);
  const auto replay = [&store](LogPlace place, bool begins_segment,
                               std::string_view content) -> Result<void> {
    auto frame = decode(place, content);
    if (!frame) return std::unexpected(frame.error());
    if (begins_segment && !frame->owner)
      return fail(ErrorCode::corrupt, "a segment does not say whose it is");
    return store->apply(place, std::move(*frame));
  };
  auto segments = LogSegments::open(folder, replay, limits);
  if (!segments) return because("the log cannot be opened", segments.error());
  store->segments_ = std::move(*segments);
  if (store->begin_ != store->base_.position.index) {
    return fail(ErrorCode::corrupt, "the log cannot be opened: entries after " +
                                        std::to_string(store->base_.position.index) + " are missing");
  }
  if (store->owner_.instance == 0) {
    store->owner_.instance = draw_instance();
    if (auto done = store->put_down({}); !done) return std::unexpected(done.error());
  }
  return store;
}

Result<StoredLog> FileLogStore::load() {
  StoredLog stored{.instance = owner_.instance,
                   .hard_state = hard_state_,
                   .base = base_.position,
                   .membership = base_.membership,
                   .last_index = last_index(),
                   .term_starts = {},
                   .memberships = {changes_.begin(), changes_.end()}};
  for (const auto& [index, term] : term_starts_) stored.term_starts.push_back({.index = index, .term = term});
  return stored;
}

Result<void> FileLogStore::write(const LogWrite& change) {
  return put_down({.owner = {},
                   .base = {},
                   .hard_state = change.hard_state,
                   .truncate_from = change.truncate_from,
                   .entries = change.append});
}

Result<void> FileLogStore::compact(Position base, const Membership& membership) {
  move_base({.position = base, .membership = membership});
  base_is_stored_ = false;  // it is with the next write; only then are files removed
  return {};
}

Result<void> FileLogStore::install(Position base, const Membership& membership) {
  if (base.index < base_.position.index) {
    return fail(ErrorCode::corrupt,
                "the log cannot begin at the snapshot: it is older than what the log holds");
  }
  LogFrame frame{.owner = {}, .base = LogBase{.position = base, .membership = membership}};
  if (!holds(base)) {
    frame.truncate_from = base.index + 1;
    if (base.term > hard_state_.term) frame.hard_state = HardState{.term = base.term, .voted_for = {}};
  }
  return put_down(std::move(frame));
}

Result<void> FileLogStore::set_identity(const LogIdentity& identity) {
  return put_down({.owner = LogOwner{.instance = owner_.instance, .identity = identity}});
}

// Writes the frame, completed by what must be in it, and applies it.
Result<void> FileLogStore::put_down(LogFrame frame) {
  const bool begins_segment = segments_->next_begins_segment();
  if (begins_segment && !frame.owner) frame.owner = owner_;
  if (begins_segment && !frame.hard_state) frame.hard_state = hard_state_;
  if ((begins_segment || !base_is_stored_) && !frame.base) frame.base = base_;
  const auto place = segments_->append(encode(frame));
  if (!place) return because("the log cannot be written", place.error());
  base_is_stored_ = true;
  if (auto applied = apply(*place, std::move(frame)); !applied) return applied;
  return segments_->remove_before(frames_.empty() ? segments_->end() : frames_.front());
}

Result<void> FileLogStore::apply(LogPlace place, LogFrame frame) {
  if (frame.owner) owner_ = std::move(*frame.owner);
  if (frame.base) move_base(std::move(*frame.base));
  if (frame.hard_state) hard_state_ = std::move(*frame.hard_state);
  if (frame.truncate_from) truncate(*frame.truncate_from);
  for (const Entry& entry : frame.entries) {
    if (auto added = add(entry, place); !added) return added;
  }
  return {};
}

void FileLogStore::move_base(LogBase base) {
  const Index to = base.position.index;
  base_ = std::move(base);
  if (to <= begin_) return;
  const auto gone = static_cast<std::ptrdiff_t>(std::min(to, last_index()) - begin_);
  frames_.erase(frames_.begin(), frames_.begin() + gone);
  begin_ = to;
  const auto first_kept = term_starts_.upper_bound(to + 1);
  const Term term = first_kept == term_starts_.begin() ? 0 : std::prev(first_kept)->second;
  term_starts_.erase(term_starts_.begin(), first_kept);
  if (!frames_.empty()) term_starts_[to + 1] = term;
  changes_.erase(changes_.begin(), changes_.upper_bound(to));
  while (!cache_.empty() && cache_.front().index <= to) {
    cache_bytes_ -= cache_.front().bytes();
    cache_.pop_front();
  }
}

void FileLogStore::truncate(Index from) {
  begin_ = std::min(begin_, from - 1);
  frames_.resize(std::min(frames_.size(), from - begin_ - 1));
  term_starts_.erase(term_starts_.lower_bound(from), term_starts_.end());
  changes_.erase(changes_.lower_bound(from), changes_.end());
  while (!cache_.empty() && cache_.back().index >= from) {
    cache_bytes_ -= cache_.back().bytes();
    cache_.pop_back();
  }
}

Result<void> FileLogStore::add(const Entry& entry, LogPlace place) {
  if (replaying() && frames_.empty() && entry.index > begin_) begin_ = entry.index - 1;
  if (entry.index != last_index() + 1) {
    return fail(ErrorCode::corrupt, "entries are missing after " + std::to_string(last_index()));
  }
  if (entry.kind == EntryKind::membership) {
    auto membership = parse_membership(*entry.payload);
    if (!membership) return std::unexpected(membership.error());
    changes_.emplace(entry.index, std::move(*membership));
  }
  if (term_starts_.empty() || term_starts_.rbegin()->second != entry.term)
    term_starts_.emplace(entry.index, entry.term);
  frames_.push_back(place);
  cache_.push_back(entry);
  cache_bytes_ += entry.bytes();
  while (cache_bytes_ > kCacheBytes && cache_.size() > 1) {
    cache_bytes_ -= cache_.front().bytes();
    cache_.pop_front();
  }
  return {};
}

Result<std::vector<Entry>> FileLogStore::read(Index first, Index last, std::size_t max_bytes) {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  const auto take = [&](const Entry& entry) {
    bytes += entry.bytes();
    if (!entries.empty() && bytes > max_bytes) return false;
    entries.push_back(entry);
    return ++first <= last;
  };
  if (!cache_.empty() && first >= cache_.front().index) {
    while (take(cache_.at(first - cache_.front().index))) {
    }
    return entries;
  }
  bool more = true;
  while (more) {
    const Index before = first;
    const LogPlace place = frames_.at(first - begin_ - 1);
    const auto content = segments_->read(place);
    if (!content) return because("the log cannot be read", content.error());
    const auto frame = decode(place, *content);
    if (!frame) return because("the log cannot be read", frame.error());
    for (const Entry& entry : frame->entries) {
      if (more && entry.index == first) more = take(entry);
    }
    if (first == before && more)
      return fail(ErrorCode::corrupt, "entry " + std::to_string(first) + " is missing");
  }
  return entries;
}

// An entry that a later one replaced has no term here, and so is not held.
bool FileLogStore::holds(Position position) const {
  if (position == base_.position) return true;
  if (position.index <= begin_ || position.index > last_index()) return false;
  return std::prev(term_starts_.upper_bound(position.index))->second == position.term;
}

std::uint64_t FileLogStore::bytes() {
  return segments_->end() - (frames_.empty() ? segments_->end() : frames_.front());
}

}  // namespace quorate
