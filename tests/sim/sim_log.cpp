#include "tests/sim/sim_log.hpp"

#include <utility>

namespace quorate::sim {

Result<StoredLog> SimLogStore::load() {
  StoredLog stored{.instance = disk_.instance,
                   .hard_state = disk_.hard_state,
                   .base = disk_.base,
                   .membership = disk_.membership,
                   .last_index = disk_.last_index(),
                   .term_starts = {}};
  Term term = 0;
  for (const Entry& entry : disk_.entries) {
    if (entry.term != term || stored.term_starts.empty()) stored.term_starts.push_back(entry.position());
    term = entry.term;
    if (entry.kind != EntryKind::membership) continue;
    stored.memberships.emplace_back(entry.index, parse_membership(*entry.payload).value());
  }
  return stored;
}

Result<void> SimLogStore::write(const LogWrite& change) {
  disk_.on_write();
  const LogDisk::Fault fault = std::exchange(disk_.next_write, LogDisk::Fault::none);
  if (fault == LogDisk::Fault::crash_before_write)
    return fail(ErrorCode::io_error, "simulated crash before the write");
  if (change.hard_state) disk_.hard_state = *change.hard_state;
  if (change.truncate_from) disk_.entries.resize(*change.truncate_from - disk_.base.index - 1);
  for (const Entry& entry : change.append) {
    if (entry.index != disk_.last_index() + 1)
      return fail(ErrorCode::internal, "the log is written with a gap");
    disk_.entries.push_back(entry);
  }
  if (fault == LogDisk::Fault::crash_after_write)
    return fail(ErrorCode::io_error, "simulated crash after the write");
  return {};
}

Result<std::vector<Entry>> SimLogStore::read(Index first, Index last, std::size_t max_bytes) {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  for (Index index = first; index <= last; ++index) {
    if (!disk_.holds(index))
      return fail(ErrorCode::corrupt, "entry " + std::to_string(index) + " is missing");
    bytes += disk_.at(index).bytes();
    if (!entries.empty() && bytes > max_bytes) break;
    entries.push_back(disk_.at(index));
  }
  return entries;
}

Result<void> SimLogStore::compact(Position base, const Membership& membership) {
  const auto count = static_cast<std::ptrdiff_t>(base.index - disk_.base.index);
  disk_.entries.erase(disk_.entries.begin(), disk_.entries.begin() + count);
  disk_.base = base;
  disk_.membership = membership;
  return {};
}

Result<void> SimLogStore::install(Position base, const Membership& membership) {
  if (base.index < disk_.base.index) return fail(ErrorCode::corrupt, "the snapshot is older than the log");
  const bool held = base == disk_.base || (disk_.holds(base.index) && disk_.at(base.index).term == base.term);
  if (held) return compact(base, membership);
  disk_.entries.clear();
  disk_.base = base;
  disk_.membership = membership;
  if (base.term > disk_.hard_state.term) disk_.hard_state = {.term = base.term, .voted_for = {}};
  return {};
}

std::uint64_t SimLogStore::bytes() {
  std::uint64_t bytes = 0;
  for (const Entry& entry : disk_.entries) bytes += entry.bytes();
  return bytes;
}

}  // namespace quorate::sim
