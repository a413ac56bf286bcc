// Power cuts, full disks, other programs, long readers.
#include <fcntl.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>

#include "core/file.hpp"
#include "tests/contract/support.hpp"

namespace quorate::testing {
namespace {

namespace fs = std::filesystem;

// Runs SQL as another program would.
void write_from_outside(const fs::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(database) == SQLITE_OK);
}

// How much of the file the system still has to write to the disk; none where Linux does not say (before 6.5; in memory).
std::optional<std::uint64_t> unwritten_pages(const fs::path& path) {
  struct {
    std::uint64_t offset = 0, length = 0;  // 0: all
  } const range;
  struct {
    std::uint64_t cached = 0, dirty = 0, under_writeback = 0, evicted = 0, recently_evicted = 0;
  } pages;
  constexpr long kCachestat = 451;
  const File file(path, O_RDONLY);
  REQUIRE(file.is_open());
  struct statfs system{};
  REQUIRE(::fstatfs(file.descriptor(), &system) == 0);
  if (system.f_type == TMPFS_MAGIC) return std::nullopt;
  if (::syscall(kCachestat, file.descriptor(), &range, &pages, 0) != 0) return std::nullopt;
  return pages.dirty;
}

TEST_CASE("sqlite: what commits have written goes to the disk bit by bit, before a checkpoint") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  for (int i = 0; i < 40; ++i) {
    engine.apply(Batch{transaction({statement("INSERT INTO t VALUES (randomblob(100000))")})});
  }
  const fs::path log = with_suffix(engine.file(), "-wal");
  REQUIRE(fs::file_size(log) >= 4'000'000);  // no checkpoint yet: it would begin the log again
  const std::optional<std::uint64_t> pages = unwritten_pages(log);
  if (!pages) return;
  CHECK(*pages < 200);
}

TEST_CASE("sqlite: another program's write quarantines the node") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  expect_ok(engine->check_health());
  write_from_outside(engine.file(), "SELECT * FROM t");
  expect_ok(engine->check_health());
  engine.apply({"INSERT INTO t VALUES (1)"});
  const fs::path snapshot = engine.directory() / "snapshot";
  expect_value(engine->snapshot(snapshot));

  SUBCASE("noticed by prepare") {
    write_from_outside(engine.file(), "INSERT INTO t VALUES (2)");
    CHECK(engine->prepare({}, {}).error().code == ErrorCode::quarantined);
  }
  SUBCASE("noticed by check_health") {
    write_from_outside(engine.file(), "UPDATE t SET a = 2");
  }
  SUBCASE("a file that was replaced") {
    fs::copy_file(engine.file(), engine.directory() / "copy");
    fs::rename(engine.directory() / "copy", engine.file());
  }
  CHECK(engine->check_health().error().code == ErrorCode::quarantined);
  expect_ok(engine->restore(snapshot));
  expect_ok(engine->check_health());
  CHECK(engine.value("SELECT a FROM t") == integer(1));
  engine.apply({"INSERT INTO t VALUES (3)"});
}

TEST_CASE("sqlite: Quorate's own work is not taken for another program's") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  for (int i = 0; i < 20; ++i) {
    const auto reader = expect_value(engine->open_reader());
    expect_value(reader->pin());
    engine.apply(Batch{transaction({statement("INSERT INTO t VALUES (randomblob(1000000))")})});
    expect_value(engine->snapshot(engine.directory() / "snapshot"));
    expect_value(engine->flush());
    {
      expect_value(prepare_batch(*engine, batch({"DELETE FROM t", "DROP TABLE t"}), {}));
    }
    expect_ok(engine->check_health());
  }
  CHECK(engine.value("SELECT count(*) FROM t") == integer(20));
}

TEST_CASE(
    "sqlite: another program that holds the write lock fails the batch, and its write is noticed later") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(engine.file().c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  CHECK(engine->prepare({}, {}).error().code == ErrorCode::io_error);
  REQUIRE(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(other) == SQLITE_OK);
  CHECK(engine->prepare({}, {}).error().code == ErrorCode::quarantined);
}

// Copies the files as a power cut would leave them.
fs::path cut_power(const TestEngine& engine, const std::string& name) {
  const fs::path directory = engine.directory() / name;
  fs::create_directory(directory);
  for (const char* suffix : {"", "-wal"}) {
    const fs::path file = engine.file().string() + suffix;
    if (fs::exists(file)) fs::copy_file(file, directory / file.filename());
  }
  return directory / engine.file().filename();
}

TEST_CASE("sqlite: after a power cut the content is as of a committed position") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  std::vector<Digest> digests{engine.digest()};
  std::vector<fs::path> cuts;
  for (int i = 0; i < 6; ++i) {
    const PreparedBatch held = expect_value(prepare_batch(*engine, batch({"INSERT INTO t VALUES (99)"}), {}));
    cuts.push_back(cut_power(engine, "cut" + std::to_string(i)));
    engine->rollback();
    engine.apply({"INSERT INTO t VALUES (1)"});
    digests.push_back(engine.digest());
    if (i == 3) expect_value(engine->flush());
  }
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const auto opened = expect_value(open_engine("sqlite", {.uri = cuts[i].string()}));
    const auto [position, digest] = opened->get_version();
    CHECK(position.index == i + 1);
    CHECK(digest == digests[i]);
    Query query;
    query.sql = "SELECT count(*) FROM t WHERE a = 1";
    const QueryResult result = expect_value(expect_value(opened->open_reader())->query(query));
    CHECK(result.rows == std::vector<Row>{{integer(static_cast<std::int64_t>(i))}});
  }
}

TEST_CASE("sqlite: a log whose end is torn gives an earlier position") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  for (int i = 0; i < 5; ++i) engine.apply({"INSERT INTO t VALUES (1)"});
  const fs::path cut = cut_power(engine, "torn");
  fs::path log = cut;
  log += "-wal";
  fs::resize_file(log, fs::file_size(log) - 2'000);
  const auto opened = expect_value(open_engine("sqlite", {.uri = cut.string()}));
  CHECK(opened->get_version().first.index == 5);
  expect_ok(opened->check_health());
}

TEST_CASE("sqlite: a full disk fails the batch and leaves nothing behind") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  const Digest before = engine.digest();
  expect_ok(engine->execute("PRAGMA max_page_count = 20"));
  const Statement big = statement("INSERT INTO t VALUES (randomblob(1000000))");
  const Result<BatchOutcome> outcome =
      engine->prepare({transaction({statement("INSERT INTO t VALUES (1)")}), transaction({big})}, {});
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().code == ErrorCode::disk_full);
  CHECK(engine.digest() == before);
  expect_ok(engine->check_health());
  CHECK(engine.value("SELECT count(*) FROM t") == integer(0));
  expect_ok(engine->execute("PRAGMA max_page_count = 100000"));
  engine.apply(Batch{transaction({big})});
  expect_ok(engine->check_health());
}

TEST_CASE("sqlite: a long reader neither blocks the writer nor stops checkpoints for good") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  const auto log_bytes = [&] { return fs::file_size(engine.file().string() + "-wal"); };
  std::uint64_t seed = 0;  // SQLite writes nothing where the bytes stay as they are
  const auto write = [&] {
    const Statement replace = statement("REPLACE INTO t (rowid, a) VALUES (1, randomblob(8000000))");
    engine.apply(Batch{transaction({replace}, 1, ++seed)});
  };
  const auto reader = expect_value(engine->open_reader());
  expect_value(reader->pin());
  for (int i = 0; i < 12; ++i) write();
  CHECK(log_bytes() > 80'000'000);
  CHECK(expect_value(engine->flush()) == 13);
  reader->unpin();
  for (int i = 0; i < 6; ++i) write();
  CHECK(log_bytes() < 80'000'000);
}

TEST_CASE(
    "sqlite: the write-ahead log stays within its limit while transactions are as long as what is copied at "
    "once") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Statement replace = statement("REPLACE INTO t (rowid, a) VALUES (1, randomblob(9000000))");
    engine.apply(Batch{transaction({replace}, 1, seed)});
    REQUIRE(fs::file_size(engine.file().string() + "-wal") < 80'000'000);
  }
}

TEST_CASE("sqlite: the write-ahead log is copied beside the writer, and started over") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a)"});
  std::uint64_t seed = 0;
  const auto write = [&] {
    engine.apply(Batch{transaction({statement("INSERT INTO t VALUES (randomblob(500000))")}, 1, ++seed)});
  };
  SUBCASE("by a connection of its own") {}
  SUBCASE("by the writer, when no further file can be opened") {
    rlimit former{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &former) == 0);
    const rlimit low{.rlim_cur = 3, .rlim_max = former.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    for (int i = 0; i < 200; ++i) write();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &former) == 0);
  }
  for (int i = 0; i < 300; ++i) write();
  CHECK(fs::file_size(engine.file().string() + "-wal") < 80'000'000);
  CHECK(fs::file_size(engine.file()) > 80'000'000);
  CHECK(engine.value("SELECT count(*) FROM t") == integer(static_cast<std::int64_t>(seed)));
  engine.reopen();
  CHECK(engine.value("SELECT count(*) FROM t") == integer(static_cast<std::int64_t>(seed)));
}

TEST_CASE("sqlite: what is no database is not opened") {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "garbage") << std::string(10'000, 'x');
  CHECK(open_engine("sqlite", {.uri = (directory.path() / "garbage").string()}).error().code ==
        ErrorCode::corrupt);
  CHECK(open_engine("sqlite", {.uri = (directory.path() / "no" / "such").string()}).error().code ==
        ErrorCode::io_error);
}

TEST_CASE("sqlite: a restore that a crash has interrupted is done again") {
  TestEngine source("sqlite", "n1");
  source.apply({"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"});
  const fs::path snapshot = source.directory() / "snapshot";
  expect_value(source->snapshot(snapshot));
  TestEngine target("sqlite", "n2");
  const fs::path adopted = target.file().string() + ".restore";
  SUBCASE("before anything was changed") {
    fs::create_hard_link(snapshot, adopted);
  }
  SUBCASE("with the change of its identity in the -wal only") {
    fs::create_hard_link(snapshot, adopted);
    const fs::path elsewhere = target.directory() / "elsewhere";
    fs::copy_file(snapshot, elsewhere);
    const auto other = expect_value(open_engine("sqlite", {.uri = elsewhere.string()}));
    expect_ok(other->write_meta(test_meta("n2")));
    fs::copy_file(elsewhere.string() + "-wal", adopted.string() + "-wal");
  }
  SUBCASE("with another snapshot") {
    std::ofstream(adopted) << "of an earlier attempt";
    std::ofstream(adopted.string() + "-wal") << "its log";
  }
  SUBCASE("after the files were switched") {
    expect_ok(target->restore(snapshot));
    target.reopen();
  }
  expect_ok(target->restore(snapshot));
  fs::remove(snapshot);
  CHECK_FALSE(fs::exists(adopted));
  CHECK(target.value("SELECT a FROM t") == integer(1));
  CHECK(expect_value(target->read_meta())->node_id == "n2");
  target.apply({"INSERT INTO t VALUES (2)"});
  target.reopen();
  CHECK(target.value("SELECT count(*) FROM t") == integer(2));
  expect_ok(target->check_health());
}

TEST_CASE("sqlite: a damaged snapshot is not taken") {
  TestEngine engine("sqlite");
  engine.apply({"CREATE TABLE t (a UNIQUE)"});
  for (std::int64_t i = 0; i < 200; ++i) {
    engine.apply(Batch{transaction({statement("INSERT INTO t VALUES (hex(randomblob(100)))")}, 1,
                                   static_cast<std::uint64_t>(i))});
  }
  const fs::path snapshot = engine.directory() / "snapshot";
  expect_value(engine->snapshot(snapshot));
  CHECK_FALSE(fs::exists(snapshot.string() + "-wal"));
  std::fstream file(snapshot, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5 * 4096 + 100);
  file << std::string(3000, 'z');
  file.close();
  CHECK(engine->restore(snapshot).error().code == ErrorCode::corrupt);
  CHECK(engine.value("SELECT count(*) FROM t") == integer(200));
  for (const auto& entry : fs::directory_iterator(engine.directory())) {
    CHECK(entry.path().string().find(".restore") == std::string::npos);
  }
}

}  // namespace
}  // namespace quorate::testing
