#include "core/snapshot_files.hpp"
#include "tests/unit/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace quorate {
namespace {

namespace fs = std::filesystem;

const std::string kContent(20'000, 'a');

SnapshotInfo info_of(const std::string& content) {
  return {.name = "s1",
          .position = {.index = 7, .term = 2},
          .total_bytes = content.size(),
          .digest = digest_of(content)};
}

TEST_CASE("a snapshot is received piece by piece, and its digest is known at the end") {
  const TemporaryFolder folder;
  const auto files = open_snapshot_files(folder.path / "n1");
  REQUIRE(files->begin(info_of(kContent)).has_value());
  for (std::size_t at = 0; at < kContent.size(); at += 6'000) {
    REQUIRE(files->append(kContent.substr(at, 6'000)).has_value());
  }
  CHECK(files->incoming_digest() == digest_of(kContent));
  REQUIRE(files->complete().has_value());
  CHECK_FALSE(files->incoming().has_value());
  REQUIRE(files->completed().has_value());
  CHECK(fs::file_size(*files->completed()) == kContent.size());
  REQUIRE(files->remove_completed().has_value());
  CHECK_FALSE(files->completed().has_value());
}

TEST_CASE("a reception goes on after a restart, and what is there counts for the digest") {
  const TemporaryFolder folder;
  const fs::path database = folder.path / "n1";
  const SnapshotInfo info = info_of(kContent);
  {
    const auto files = open_snapshot_files(database);
    REQUIRE(files->begin(info).has_value());
    REQUIRE(files->append(kContent.substr(0, 9'000)).has_value());
  }
  {
    const auto files = open_snapshot_files(database);
    const auto begun = files->incoming();
    REQUIRE(begun.has_value());
    CHECK(begun->first == info);
    CHECK(begun->second == 9'000);
    REQUIRE(files->append(kContent.substr(9'000)).has_value());
    CHECK(files->incoming_digest() == info.digest);
  }
  const auto files = open_snapshot_files(database);  // all bytes are there, and it is not complete
  CHECK(files->incoming_digest() == info.digest);
  std::ofstream(database.string() + ".incoming", std::ios::in | std::ios::out) << 'b';
  const auto damaged = open_snapshot_files(database);
  CHECK(damaged->incoming_digest() != info.digest);
}

TEST_CASE("another snapshot is received from its own beginning") {
  const TemporaryFolder folder;
  const auto files = open_snapshot_files(folder.path / "n1");
  REQUIRE(files->begin(info_of(kContent)).has_value());
  REQUIRE(files->append("something else").has_value());
  const std::string other(5'000, 'b');
  REQUIRE(files->begin(info_of(other)).has_value());
  REQUIRE(files->append(other).has_value());
  CHECK(files->incoming_digest() == digest_of(other));
}

TEST_CASE("a file that is to replace the content is gathered, whatever is sent twice or out of place") {
  const TemporaryFolder folder;
  const fs::path database = folder.path / "n1";
  std::string content = kContent;
  content[10'000] = 'b';
  const RestoreEnd end{.token = {}, .total_bytes = content.size(), .digest = digest_of(content)};
  const auto write = [&](std::size_t offset, std::size_t size) {
    const auto files = open_snapshot_files(database);  // each time as after a restart
    REQUIRE(files->write_replacement({.offset = offset, .bytes = content.substr(offset, size)}).has_value());
  };
  const auto is_whole = [&] { return *open_snapshot_files(database)->has_replacement(end); };
  CHECK_FALSE(is_whole());
  write(0, 9'000);
  write(15'000, 5'000);  // there is a gap before it
  CHECK_FALSE(is_whole());
  write(5'000, 9'000);
  write(9'000, 1'000);
  write(14'000, 6'000);
  CHECK(is_whole());
  write(0, 9'000);  // another begins
  CHECK_FALSE(is_whole());
}

}  // namespace
}  // namespace quorate
