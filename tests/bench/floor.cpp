#include "tests/bench/floor.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kBlocks = 256;
constexpr int kRowsPerTransaction = 100;

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class File {
 public:
  explicit File(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw_errno("open");
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;

  void write_block(std::size_t block, char content) {
    std::array<char, kBlockBytes> bytes{};
    bytes.fill(content);
    const auto offset = static_cast<off_t>(block * kBlockBytes);
    if (::pwrite(descriptor_, bytes.data(), bytes.size(), offset) != kBlockBytes) throw_errno("pwrite");
  }
  void sync() {
    if (::fdatasync(descriptor_) != 0) throw_errno("fdatasync");
  }

 private:
  int descriptor_;
};

// Repeats one operation, which counts for `weight`, until the duration is over.
template <typename Operation>
RunResult repeat(std::chrono::milliseconds duration, std::uint64_t weight, Operation operation) {
  RunResult result;
  const auto begin = Clock::now();
  auto now = begin;
  while (now < begin + duration) {
    operation();
    const auto done = Clock::now();
    result.latency.record(done - now);
    result.operations += weight;
    now = done;
  }
  result.elapsed = now - begin;
  return result;
}

}  // namespace

RunResult measure_disk_sync(const fs::path& folder, std::chrono::milliseconds duration) {
  const fs::path path = folder / "floor.bin";
  File file(path);
  for (std::size_t block = 0; block < kBlocks; ++block) file.write_block(block, 'a');
  file.sync();
  std::size_t count = 0;
  RunResult result = repeat(duration, 1, [&] {
    ++count;
    file.write_block(count % kBlocks, static_cast<char>(count));
    file.sync();
  });
  fs::remove(path);
  return result;
}

RunResult measure_bare_sqlite(const fs::path& folder, std::chrono::milliseconds duration) {
  const fs::path bare = folder / "bare";
  fs::create_directories(bare);
  RunResult result;
  {
    SQLite::Database database(bare / "bare.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    database.exec(kCreateTable);
    SQLite::Statement insert(database, kInsertRow);
    insert.bind(2, row_text(kSmallRowBytes));
    auto id = static_cast<std::int64_t>(kSmallestNumber);
    result = repeat(duration, kRowsPerTransaction, [&] {
      SQLite::Transaction transaction(database);
      for (int row = 0; row < kRowsPerTransaction; ++row) {
        insert.bind(1, ++id);
        insert.exec();
        insert.reset();
      }
      transaction.commit();
    });
  }
  fs::remove_all(bare);
  return result;
}

}  // namespace quorate::bench
