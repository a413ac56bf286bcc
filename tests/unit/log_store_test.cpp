// The SQLite log: what write() returned for is there after reopening; damage is noticed.
#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "core/consensus/sqlite_log_store.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("quorate-log-test-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

Entry entry(Index index, Term term, const std::string& payload) {
  return {.index = index,
          .term = term,
          .kind = EntryKind::batch,
          .payload = std::make_shared<const std::string>(payload)};
}

Membership members(const std::vector<NodeId>& ids) {
  Membership membership;
  for (const NodeId& id : ids) membership.put({.id = id, .instance = id.size()});
  return membership;
}

std::unique_ptr<SqliteLogStore> open(const fs::path& path) {
  auto log = SqliteLogStore::open(path);
  REQUIRE_MESSAGE(log.has_value(), (log ? "" : log.error().message));
  return std::move(*log);
}

TEST_CASE("entries, term and vote survive reopening") {
  const Folder folder;
  {
    auto log = open(folder.path / "log.db");
    REQUIRE(log->write(
        {.hard_state = HardState{.term = 3, .voted_for = "n2"},
         .append = {entry(1, 1, "one"), entry(2, 1, "two"), entry(3, 3, std::string("t\0ree", 5))}}));
  }
  auto log = open(folder.path / "log.db");
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
  const Folder folder;
  auto log = open(folder.path / "log.db");
  REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}}));
  REQUIRE(log->write({.truncate_from = 2, .append = {entry(2, 2, "B")}}));
  CHECK(*log->read(1, 2, 1'000'000)->at(1).payload == "B");
  log.reset();
  log = open(folder.path / "log.db");
  CHECK(log->load()->last_index == 2);
  CHECK(*log->read(1, 2, 1'000'000)->at(1).payload == "B");
}

TEST_CASE("a read gives at least one entry, and no more than fits") {
  const Folder folder;
  auto log = open(folder.path / "log.db");
  REQUIRE(log->write({.append = {entry(1, 1, std::string(1000, 'x')), entry(2, 1, "b"), entry(3, 1, "c")}}));
  CHECK(log->read(1, 3, 10)->size() == 1);
  CHECK(log->read(2, 3, 10'000)->size() == 2);
}

TEST_CASE("compaction forgets what is below and keeps the base") {
  const Folder folder;
  auto log = open(folder.path / "log.db");
  REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 2, "b"), entry(3, 2, "c")}}));
  REQUIRE(log->compact({.index = 2, .term = 2}, members({"n1"})));
  REQUIRE(log->write({.append = {entry(4, 2, "d")}}));  // with which the base becomes durable
  log.reset();
  log = open(folder.path / "log.db");
  const auto stored = log->load();
  CHECK(stored->base == Position{.index = 2, .term = 2});
  CHECK(stored->membership == members({"n1"}));
  CHECK(stored->last_index == 4);
  CHECK(*log->read(3, 3, 1'000)->at(0).payload == "c");
}

TEST_CASE("a damaged entry is noticed, not delivered") {
  const Folder folder;
  {
    auto log = open(folder.path / "log.db");
    REQUIRE(log->write({.append = {entry(1, 1, "good"), entry(2, 1, "good")}}));
  }
  SQLite::Database(folder.path / "log.db", SQLite::OPEN_READWRITE)
      .exec("UPDATE entries SET payload = 'evil' WHERE idx = 2");
  auto log = open(folder.path / "log.db");
  REQUIRE(log->load().has_value());
  const auto entries = log->read(1, 2, 1'000);
  REQUIRE_FALSE(entries.has_value());
  CHECK(entries.error().code == ErrorCode::corrupt);
}

TEST_CASE("a gap in the log is noticed on start") {
  const Folder folder;
  {
    auto log = open(folder.path / "log.db");
    REQUIRE(log->write({.append = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}}));
  }
  SQLite::Database(folder.path / "log.db", SQLite::OPEN_READWRITE).exec("DELETE FROM entries WHERE idx = 2");
  const auto stored = open(folder.path / "log.db")->load();
  REQUIRE_FALSE(stored.has_value());
  CHECK(stored.error().code == ErrorCode::corrupt);
}

TEST_CASE("a second opening of the same log is refused") {
  const Folder folder;
  auto log = open(folder.path / "log.db");
  REQUIRE(log->write({.append = {entry(1, 1, "a")}}));
  const auto second = SqliteLogStore::open(folder.path / "log.db");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message.find("another process") != std::string::npos);
}

TEST_CASE("compaction removes entries bit by bit, with later writes") {
  const Folder folder;
  const auto rows = [&] {
    SQLite::Database database(folder.path / "log.db", SQLite::OPEN_READWRITE);
    return database.execAndGet("SELECT count(*) FROM entries").getInt();
  };
  auto log = open(folder.path / "log.db");
  LogWrite many;
  for (Index index = 1; index <= 1'000; ++index) many.append.push_back(entry(index, 1, "x"));
  REQUIRE(log->write(many));
  REQUIRE(log->compact({.index = 900, .term = 1}, members({"n1"})));
  REQUIRE(log->write({.append = {entry(1'001, 1, "y")}}));
  log.reset();
  const int after_one = rows();
  CHECK(after_one > 900);
  CHECK(after_one < 1'001);
  log = open(folder.path / "log.db");
  CHECK(log->load()->base.index == 900);
  for (Index index = 1'002; index <= 1'100; ++index) REQUIRE(log->write({.append = {entry(index, 1, "y")}}));
  log.reset();
  CHECK(rows() == 200);
}

TEST_CASE("a log that begins at a snapshot keeps what follows it, if it holds the snapshot's entry") {
  const Folder folder;
  auto log = open(folder.path / "log.db");
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
  const Folder folder;
  auto log = open(folder.path / "log.db");
  REQUIRE(log->write({.hard_state = HardState{.term = 2, .voted_for = "n2"},
                      .append = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}}));
  REQUIRE(log->install({.index = 2, .term = 5}, members({"n1"})));
  const auto stored = log->load();
  CHECK(stored->last_index == 2);
  CHECK(stored->hard_state == HardState{.term = 5, .voted_for = {}});
}

TEST_CASE("memberships in the log are found again, and truncated with their entries") {
  const Folder folder;
  auto log = open(folder.path / "log.db");
  Entry change = entry(2, 1, to_text(members({"n1", "n2", "n3"})));
  change.kind = EntryKind::membership;
  REQUIRE(log->write({.append = {entry(1, 1, "a"), change, entry(3, 1, "c")}}));
  log.reset();
  log = open(folder.path / "log.db");
  REQUIRE(log->load()->memberships.size() == 1);
  CHECK(log->load()->memberships[0] == std::pair(Index{2}, members({"n1", "n2", "n3"})));
  REQUIRE(log->write({.truncate_from = 2, .append = {}}));
  CHECK(log->load()->memberships.empty());
}

TEST_CASE("a log keeps its instance, and another log has another") {
  const Folder folder;
  const Instance instance = open(folder.path / "log.db")->load()->instance;
  CHECK(instance != 0);
  CHECK(open(folder.path / "log.db")->load()->instance == instance);
  CHECK(open(folder.path / "other.db")->load()->instance != instance);
}

}  // namespace
}  // namespace quorate
