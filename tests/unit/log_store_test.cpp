// The log on disk: what write() returned for is there after reopening; what a crash left half done is not; damage is
// noticed.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>
#include <set>

#include "tests/unit/log_on_disk.hpp"

namespace {

std::set<std::filesystem::path> synced;

}  // namespace

// In place of the system's, for all of these tests (CMakeLists.txt).
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" int __real_fsync(int descriptor);
extern "C" int __wrap_fsync(int descriptor) {
  synced.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)));
  return __real_fsync(descriptor);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace quorate {
namespace {

TEST_CASE("entries, term and vote survive reopening") {
  const TemporaryFolder folder;
  {
    auto log = open(folder.path / "log");
    REQUIRE(log->write(
        {.hard_state = HardState{.term = 3, .voted_for = "n2"},
         .append = {entry(1, 1, "one"), entry(2, 1, "two"), entry(3, 3, std::string("t\0ree", 5))}}));
  }
  auto log = open(folder.path / "log");
  const auto stored = log->load();
  REQUIRE(stored.has_value());
  CHECK(stored->hard_state == HardState{.term = 3, .voted_for = "n2"});
  CHECK(stored->last_index == 3);
  REQUIRE(stored->term_starts.size() == 2);
  CHECK(stored->term_starts[1] == Position{.index = 3, .term = 3});
  const auto entries = log->read(1, 3, 1'000'000);
  REQUIRE(entries.has_value());
  REQUIRE(entries->size() == 3);
  CHECK(*entries->at(2).payload == std::string("t\0ree", 5));
}

TEST_CASE("truncate and append are one step, from disk and from the cache alike") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}}));
  REQUIRE(log->write({.truncate_from = 2, .append = {entry(2, 2, "B")}}));
  CHECK(*log->read(1, 2, 1'000'000)->at(1).payload == "B");
  log.reset();
  log = open(folder.path / "log");
  CHECK(log->load()->last_index == 2);
  CHECK(*log->read(1, 2, 1'000'000)->at(1).payload == "B");
}

TEST_CASE("a read gives at least one entry, and no more than fits") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, std::string(1000, 'x')), entry(2, 1, "b"), entry(3, 1, "c")}}));
  CHECK(log->read(1, 3, 10)->size() == 1);
  CHECK(log->read(2, 3, 10'000)->size() == 2);
}

TEST_CASE("compaction forgets what is below and keeps the base") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 2, "b"), entry(3, 2, "c")}}));
  REQUIRE(log->compact({.index = 2, .term = 2}, members({"n1"})));
  REQUIRE(log->write({.append = {entry(4, 2, "d")}}));  // with which the base becomes durable
  log.reset();
  log = open(folder.path / "log");
  const auto stored = log->load();
  CHECK(stored->base == Position{.index = 2, .term = 2});
  CHECK(stored->membership == members({"n1"}));
  CHECK(stored->last_index == 4);
  CHECK(*log->read(3, 3, 1'000)->at(0).payload == "c");
}

TEST_CASE("a second opening of the same log is refused") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, "a")}}));
  const auto second = FileLogStore::open(folder.path / "log");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message.find("another process") != std::string::npos);
}

TEST_CASE("a log that begins at a snapshot keeps what follows it, if it holds the snapshot's entry") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.hard_state = HardState{.term = 8, .voted_for = "n2"},
                      .append = {entry(1, 1, "a"), entry(2, 2, "b"), entry(3, 2, "c")}}));
  REQUIRE(log->install({.index = 2, .term = 2}, members({"n1", "n2"})));
  auto stored = log->load();
  CHECK(stored->base == Position{.index = 2, .term = 2});
  CHECK(stored->last_index == 3);
  CHECK(stored->membership == members({"n1", "n2"}));
  CHECK(stored->hard_state == HardState{.term = 8, .voted_for = "n2"});

  REQUIRE(log->install({.index = 40, .term = 6}, members({"n1", "n3"})));
  REQUIRE(log->write({.append = {entry(41, 6, "next")}}));
  stored = log->load();
  CHECK(stored->base == Position{.index = 40, .term = 6});
  CHECK(stored->last_index == 41);
  CHECK(stored->membership == members({"n1", "n3"}));
  CHECK(stored->hard_state == HardState{.term = 8, .voted_for = "n2"});
  CHECK_FALSE(log->install({.index = 39, .term = 6}, members({"n1"})));
}

TEST_CASE("an entry of the same index and another term does not count as the snapshot's") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.hard_state = HardState{.term = 2, .voted_for = "n2"},
                      .append = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}}));
  REQUIRE(log->install({.index = 2, .term = 5}, members({"n1"})));
  const auto stored = log->load();
  CHECK(stored->last_index == 2);
  CHECK(stored->hard_state == HardState{.term = 5, .voted_for = {}});
}

TEST_CASE("memberships in the log are found again, and truncated with their entries") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  Entry change = entry(2, 1, to_text(members({"n1", "n2", "n3"})));
  change.kind = EntryKind::membership;
  REQUIRE(log->write({.append = {entry(1, 1, "a"), change, entry(3, 1, "c")}}));
  log.reset();
  log = open(folder.path / "log");
  REQUIRE(log->load()->memberships.size() == 1);
  CHECK(log->load()->memberships[0] == std::pair(Index{2}, members({"n1", "n2", "n3"})));
  REQUIRE(log->write({.truncate_from = 2, .append = {}}));
  CHECK(log->load()->memberships.empty());
}

TEST_CASE("a log keeps its instance, and another log has another") {
  const TemporaryFolder folder;
  const Instance instance = open(folder.path / "log")->load()->instance;
  CHECK(instance != 0);
  CHECK(open(folder.path / "log")->load()->instance == instance);
  CHECK(open(folder.path / "other")->load()->instance != instance);
}

TEST_CASE("compaction removes whole segments, and what is left is read as before") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log", kSmall);
  for (Index index = 1; index <= 200; ++index) {
    REQUIRE(log->write({.append = {entry(index, 1 + index / 70, std::string(100, 'x'))}}));
    if (index > 20)
      REQUIRE(log->compact({.index = index - 20, .term = 1 + (index - 20) / 70}, members({"n1"})));
  }
  CHECK(segments_in(folder.path / "log").size() <= 4);
  CHECK(log->bytes() < 5'000);
  const std::string before = content_of(*log);
  REQUIRE(log->write({}));
  log.reset();
  log = open(folder.path / "log", kSmall);
  CHECK(content_of(*log) == before);
  CHECK(log->load()->base.index == 180);
}

TEST_CASE("a compaction that no write has followed is forgotten by a crash, and nothing else is") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 1, "b")}}));
  REQUIRE(log->compact({.index = 1, .term = 1}, members({"n1"})));
  log.reset();
  log = open(folder.path / "log");
  CHECK(log->load()->base.index == 0);
  CHECK(*log->read(1, 2, 1'000)->at(0).payload == "a");
}

// The last write, of which only some sectors have reached the disk, in whatever order.
TEST_CASE("a write that a power cut tore is there as a whole or not at all") {
  const TemporaryFolder folder;
  const fs::path log_folder = folder.path / "log";
  auto log = open(log_folder);
  REQUIRE(
      log->write({.hard_state = HardState{.term = 1, .voted_for = "n1"}, .append = {entry(1, 1, "first")}}));
  log.reset();
  const fs::path segment = segments_in(log_folder).back();
  const std::string before = bytes_of(segment);
  log = open(log_folder);
  const std::string without = content_of(*log);
  REQUIRE(log->write({.hard_state = HardState{.term = 2, .voted_for = "n2"},
                      .truncate_from = 1,
                      .append = {entry(1, 2, std::string(3'000, 'y')), entry(2, 2, "z")}}));
  const std::string with = content_of(*log);
  log.reset();
  const std::string after = bytes_of(segment);
  REQUIRE(before.size() == after.size());
  std::mt19937 random(7);
  int dropped = 0;
  for (int round = 0; round < 200; ++round) {
    put_bytes(segment, torn(before, after, 0.5, random));
    log = open(log_folder);
    const std::string found = content_of(*log);
    REQUIRE_MESSAGE((found == without || found == with), found.substr(0, 300));
    if (found == without) ++dropped;
    // What is written next is not confused by the remains.
    REQUIRE(log->write({.truncate_from = 1, .append = {entry(1, 3, "next")}}));
    log.reset();
    REQUIRE(*open(log_folder)->read(1, 1, 1)->at(0).payload == "next");
  }
  CHECK(dropped > 100);
  for (std::size_t size = before.find_last_not_of('\0') + 1; size < 5'000; size += 97) {
    put_bytes(segment, after.substr(0, size));
    const std::string found = content_of(*open(log_folder));
    REQUIRE((found == without || found == with));
  }
}

// Killed between writing and fdatasync; the next power cut would take what was relied on since.
TEST_CASE("what a process that died left in the system's memory is made durable before it is relied on") {
  const TemporaryFolder folder;
  REQUIRE(open(folder.path / "log")->write({.append = {entry(1, 1, "a")}}));
  synced.clear();
  const auto log = open(folder.path / "log");
  CHECK(synced.contains(segments_in(folder.path / "log").back()));
}

TEST_CASE("a crash while a segment is begun loses nothing") {
  const TemporaryFolder folder;
  const fs::path log_folder = folder.path / "log";
  auto log = open(log_folder, kSmall);
  Index index = 0;
  while (segments_in(log_folder).size() < 2) {
    ++index;
    REQUIRE(log->write({.append = {entry(index, 1, std::string(300, 'x'))}}));
  }
  log.reset();
  const fs::path segment = segments_in(log_folder).back();
  for (const std::string& left : {std::string(), std::string(100, '\0'), bytes_of(segment).substr(0, 200)}) {
    put_bytes(segment, left);
    log = open(log_folder, kSmall);
    CHECK(log->load()->last_index == index - 1);
    REQUIRE(log->write({.append = {entry(index, 2, "again")}}));
    log.reset();
    log = open(log_folder, kSmall);
    CHECK(*log->read(index, index, 1)->at(0).payload == "again");
    CHECK(log->load()->instance != 0);
    log.reset();
  }
}

TEST_CASE("damage to what was durable is noticed when the log is opened") {
  const TemporaryFolder folder;
  const fs::path log_folder = folder.path / "log";
  auto log = open(log_folder, kSmall);
  for (Index index = 1; index <= 20; ++index)
    REQUIRE(log->write({.append = {entry(index, 1, std::string(300, 'x'))}}));
  log.reset();
  const std::vector<fs::path> segments = segments_in(log_folder);
  REQUIRE(segments.size() > 3);
  const auto refused = [&] {
    const auto opened = FileLogStore::open(log_folder, kSmall);
    return !opened && opened.error().code == ErrorCode::corrupt;
  };
  for (const fs::path& segment : {segments.front(), segments[1]}) {
    const std::string intact = bytes_of(segment);
    for (std::size_t at = 0; at < 2'000; at += 13) {
      put_bytes(segment, damaged(intact, at));
      REQUIRE(refused());
    }
    put_bytes(segment, intact.substr(0, intact.size() / 2));
    CHECK(refused());
    fs::remove(segment);
    CHECK(refused());
    put_bytes(segment, intact);
  }
  const std::string intact = bytes_of(segments.back());
  for (std::size_t at = 0; at < 300; at += 13) {  // in the last segment, before its last frame
    put_bytes(segments.back(), damaged(intact, at));
    REQUIRE(refused());
  }
  put_bytes(segments.back(), intact);
  CHECK(open(log_folder, kSmall)->load()->last_index == 20);
}

TEST_CASE("damage under a log in use is noticed when it is read") {
  const TemporaryFolder folder;
  const fs::path log_folder = folder.path / "log";
  auto log = open(log_folder);
  const std::string large(8'000'000, 'x');  // so that what is read is not in the cache any more
  for (Index index = 1; index <= 5; ++index) REQUIRE(log->write({.append = {entry(index, 1, large)}}));
  const fs::path segment = segments_in(log_folder).front();
  std::fstream(segment, std::ios::in | std::ios::out | std::ios::binary)
      .write(damaged(bytes_of(segment), 1'000).data(), 2'000);
  const auto read = log->read(1, 1, 1);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::corrupt);
  CHECK(*log->read(5, 5, 1)->at(0).payload == large);
}

TEST_CASE("a disk that takes no more ends the log, not what is in it") {
  const TemporaryFolder folder;
  auto log = open(folder.path / "log");
  REQUIRE(log->write({.append = {entry(1, 1, "kept")}}));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{.rlim_cur = 300'000, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  const auto refused = log->write({.append = {entry(2, 1, std::string(400'000, 'x'))}});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::io_error);
  CHECK_FALSE(log->write({.append = {entry(2, 1, "after")}}));
  log.reset();
  log = open(folder.path / "log");
  CHECK(log->load()->last_index == 1);
  REQUIRE(log->write({.append = {entry(2, 1, "after")}}));
}

}  // namespace
}  // namespace quorate
