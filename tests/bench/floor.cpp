#include "tests/bench/floor.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <system_error>
#include <thread>

#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kBlocks = 256;
constexpr std::size_t kMessageBytes = 256;

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

// Until the other side closes.
void send_back(tcp::acceptor& acceptor) {
  tcp::socket socket = acceptor.accept();
  socket.set_option(tcp::no_delay(true));
  std::array<char, kMessageBytes> message{};
  boost::system::error_code closed;
  while (!closed) {
    asio::read(socket, asio::buffer(message), closed);
    if (!closed) asio::write(socket, asio::buffer(message), closed);
  }
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

RunResult measure_bare_sqlite(const fs::path& folder, std::chrono::milliseconds duration,
                              int rows_per_transaction) {
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
    result = repeat(duration, static_cast<std::uint64_t>(rows_per_transaction), [&] {
      SQLite::Transaction transaction(database);
      for (int row = 0; row < rows_per_transaction; ++row) {
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

RunResult measure_two_round_trips(std::chrono::milliseconds duration) {
  asio::io_context context;
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::jthread other([&] { send_back(acceptor); });
  tcp::socket socket(context);
  socket.connect(acceptor.local_endpoint());
  socket.set_option(tcp::no_delay(true));
  std::array<char, kMessageBytes> message{};
  return repeat(duration, 1, [&] {
    for (int trip = 0; trip < 2; ++trip) {
      asio::write(socket, asio::buffer(message));
      asio::read(socket, asio::buffer(message));
    }
  });
}

}  // namespace quorate::bench
