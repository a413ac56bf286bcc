// Logs in a folder of their own, and what a crash or damage may make of their files, for the tests of the log.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/consensus/file_log_store.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace quorate {

namespace fs = std::filesystem;

inline Entry entry(Index index, Term term, const std::string& payload) {
  return {.index = index,
          .term = term,
          .kind = EntryKind::batch,
          .payload = std::make_shared<const std::string>(payload)};
}

inline Membership members(const std::vector<NodeId>& ids) {
  Membership membership;
  for (const NodeId& id : ids) membership.put({.id = id, .instance = id.size()});
  return membership;
}

// Small enough that a few entries fill a segment.
inline constexpr LogSegments::Limits kSmall{.segment_bytes = 2'000, .growth_bytes = 512};

inline std::unique_ptr<FileLogStore> open(const fs::path& path, LogSegments::Limits limits = {}) {
  auto log = FileLogStore::open(path, limits);
  REQUIRE_MESSAGE(log.has_value(), (log ? "" : log.error().message));
  return std::move(*log);
}

inline std::vector<fs::path> segments_in(const fs::path& folder) {
  std::set<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == ".segment") files.insert(file.path());
  }
  return {files.begin(), files.end()};
}

inline std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_bytes(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

// What a power cut may leave of a write: of the sectors that it changed only some, `share` of them, whatever their order.
inline std::string torn(std::string before, const std::string& after, double share, std::mt19937& random) {
  constexpr std::size_t kSectorBytes = 512;
  std::bernoulli_distribution arrives(share);
  before.resize(after.size());
  for (std::size_t at = 0; at < after.size(); at += kSectorBytes) {
    if (arrives(random)) before.replace(at, kSectorBytes, after, at, kSectorBytes);
  }
  return before;
}

inline std::string damaged(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  return bytes;
}

// Everything that a log says, as text.
inline std::string content_of(FileLogStore& log) {
  const StoredLog stored = *log.load();
  std::string text = std::to_string(stored.instance) + " term " + std::to_string(stored.hard_state.term) +
                     " " + stored.hard_state.voted_for + " base " + std::to_string(stored.base.index) + "/" +
                     std::to_string(stored.base.term) + " " + to_text(stored.membership) + "; ";
  for (const Position& start : stored.term_starts) {
    text += std::to_string(start.index) + "/" + std::to_string(start.term) + " ";
  }
  for (const auto& [index, membership] : stored.memberships) {
    text += "@" + std::to_string(index) + " " + to_text(membership);
  }
  for (Index index = stored.base.index + 1; index <= stored.last_index; ++index) {
    const auto read = log.read(index, index, 1);
    if (!read) return "unreadable: " + read.error().message;
    text +=
        "\n" + std::to_string(index) + "/" + std::to_string(read->at(0).term) + " " + *read->at(0).payload;
  }
  return text;
}

}  // namespace quorate
