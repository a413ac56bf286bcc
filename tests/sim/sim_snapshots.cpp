#include "tests/sim/sim_snapshots.hpp"

#include <algorithm>

#include "engines/memory/memory_file.hpp"

namespace quorate::sim {
namespace {

constexpr std::size_t kOwnDigestBytes = 32;  // at the end of a memory engine's snapshot

}  // namespace

void SnapshotDisk::crash(std::uint64_t chance) {
  lent.clear();
  if (chance % 4 == 0 && !incoming.empty())
    incoming[incoming.size() - 1 - chance % std::min<std::size_t>(incoming.size(), 64)] ^= 1;
  if (chance % 4 == 1) incoming.resize(incoming.size() / 2);
}

Result<SnapshotInfo> SimSnapshotStore::make(StorageEngine& engine) {
  auto position = engine.snapshot("lent");
  if (!position) return std::unexpected(position.error());
  const Digest digest = digest_of(disk_.lent);
  return SnapshotInfo{
      .name = to_string(digest), .position = *position, .total_bytes = disk_.lent.size(), .digest = digest};
}

Result<std::string> SimSnapshotStore::read(std::uint64_t offset, std::size_t max_bytes) {
  if (offset >= disk_.lent.size()) return fail(ErrorCode::io_error, "there is no such piece");
  std::string piece = disk_.lent.substr(offset, max_bytes);
  if (disk_.misreads()) piece[piece.size() / 2] ^= 1;
  return piece;
}

std::optional<std::pair<SnapshotInfo, std::uint64_t>> SimSnapshotStore::incoming() {
  if (!disk_.incoming_info || disk_.incoming.size() > disk_.incoming_info->total_bytes) return std::nullopt;
  return std::pair(*disk_.incoming_info, disk_.incoming.size());
}

Result<void> SimSnapshotStore::begin(const SnapshotInfo& info) {
  disk_.incoming_info = info;
  disk_.incoming.clear();
  return {};
}

Result<void> SimSnapshotStore::append(const std::string& bytes) {
  disk_.incoming += bytes;
  return {};
}

void SimSnapshotStore::drop_incoming() {
  disk_.incoming_info.reset();
  disk_.incoming.clear();
}

Result<void> SimSnapshotStore::complete() {
  disk_.complete = disk_.incoming;
  drop_incoming();
  return {};
}

Result<void> SimSnapshotStore::write_replacement(const RestoreRecord& piece) {
  if (piece.offset == 0) disk_.replacement.clear();
  if (piece.offset > disk_.replacement.size()) return {};
  disk_.replacement.resize(
      std::max<std::size_t>(disk_.replacement.size(), piece.offset + piece.bytes.size()));
  disk_.replacement.replace(piece.offset, piece.bytes.size(), piece.bytes);
  return {};
}

Result<bool> SimSnapshotStore::has_replacement(const RestoreEnd& end) {
  return disk_.replacement.size() == end.total_bytes && digest_of(disk_.replacement) == end.digest;
}

Result<void> SimSnapshotStore::complete_replacement(StorageEngine& engine, const ClusterMeta& meta,
                                                    const std::vector<KeyedOutcome>& outcomes) {
  disk_.replacement_snapshot = disk_.replacement;
  if (auto made = engine.make_snapshot_of("replacement", meta, outcomes); !made) return made;
  disk_.complete = disk_.replacement_snapshot;
  return {};
}

std::optional<std::filesystem::path> SimSnapshotStore::completed() {
  if (!disk_.complete) return std::nullopt;
  return "complete";
}

Result<void> SimSnapshotStore::remove_completed() {
  disk_.complete.reset();
  disk_.replacement.clear();
  return {};
}

std::string& SimEngine::file(const std::filesystem::path& name) {
  if (name == "lent") return snapshots_.lent;
  return name == "replacement" ? snapshots_.replacement_snapshot : *snapshots_.complete;
}

Result<void> SimEngine::save(const MemoryContent& content, const std::filesystem::path& target) {
  file(target) = encode_content(content);
  return {};
}

Result<MemoryContent> SimEngine::load(const std::filesystem::path& source) {
  const std::string& bytes = file(source);
  if (bytes.size() < kOwnDigestBytes) return fail(ErrorCode::corrupt, "this is no snapshot");
  const std::string body = bytes.substr(0, bytes.size() - kOwnDigestBytes);
  return decode_content(body +
                        to_string(digest_of(body)));  // it does not know by itself that a byte is wrong
}

}  // namespace quorate::sim
