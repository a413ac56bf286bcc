// quorate-copies PORT FOLDER: what HTTP and SQLite alone let a replicated service reach. Rows come in as transactions do at
// Quorate's; they are written to three databases in one process, in batches as large as there are connections, with
// a flush for each, and answered when two have them. There is no node, no network between nodes, no log, no consensus,
// and no SQL but the one INSERT: what a service that has all of this takes beyond it is its own.
//
// One thread for HTTP, and one for each database.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/src.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/bench/plain_server.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

namespace asio = boost::asio;

constexpr int kDatabases = 3;
constexpr int kMajority = 2;
constexpr std::chrono::milliseconds kLongestWait{1};  // for a batch to fill

struct Row {
  std::int64_t id = 0;
  std::string owner;
};

// One database, with a thread of its own.
class Copy {
 public:
  explicit Copy(const std::filesystem::path& file)
      : database_(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE), insert_(prepared(database_)) {}

  void post(std::function<void()> task) { asio::post(thread_, std::move(task)); }

  void write(const std::vector<Row>& rows) {
    SQLite::Transaction transaction(database_);
    for (const Row& row : rows) {
      insert_.bind(1, row.id);
      insert_.bindNoCopy(2, row.owner);
      insert_.exec();
      insert_.reset();
    }
    transaction.commit();
  }

 private:
  static SQLite::Statement prepared(SQLite::Database& database) {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    database.exec(kCreateTable);
    return {database, kInsertRow};
  }

  SQLite::Database database_;
  SQLite::Statement insert_;
  asio::thread_pool thread_{1};  // joined before the database is closed
};

class Copies {
 public:
  Copies(asio::io_context& context, const std::filesystem::path& folder)
      : context_(context), fill_timer_(context) {
    for (int number = 1; number <= kDatabases; ++number) {
      copies_.push_back(std::make_unique<Copy>(folder / fmt::format("{}.db", number)));
    }
  }

  // A batch waits until it has as many rows as there are connections.
  void add_connections(int change) { connections_ += change; }

  // Returns when the row is on the disk of a majority.
  asio::awaitable<void> write(Row row) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler, Row given) {
          next_->rows.push_back(std::move(given));
          next_->waiting.emplace_back([handler = std::move(handler)]() mutable { std::move(handler)(); });
          if (next_->rows.size() == 1) give_time_to_fill();
          begin_if(static_cast<int>(next_->rows.size()) >= connections_);
        },
        asio::use_awaitable, std::move(row));
  }

 private:
  struct Batch {
    std::vector<Row> rows;
    std::vector<std::move_only_function<void()>> waiting;
    std::atomic<int> written = 0;
  };

  void give_time_to_fill() {
    fill_timer_.expires_after(kLongestWait);
    fill_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) begin_if(true);
    });
  }

  void begin_if(bool is_full) {
    is_due_ = is_due_ || is_full;
    if (is_writing_ || !is_due_ || next_->rows.empty()) return;
    fill_timer_.cancel();
    is_writing_ = true;
    is_due_ = false;
    const auto batch = std::exchange(next_, std::make_shared<Batch>());
    for (const auto& copy : copies_) {
      copy->post([this, batch, &copy = *copy] {
        copy.write(batch->rows);
        const int written = ++batch->written;
        if (written == kMajority) asio::post(context_, [batch] { answer(*batch); });
        if (written == kDatabases)
          asio::post(context_, [this] {
            is_writing_ = false;
            begin_if(false);
          });
      });
    }
  }

  static void answer(Batch& batch) {
    for (auto& go_on : batch.waiting) go_on();
  }

  asio::io_context& context_;
  asio::steady_timer fill_timer_;
  std::vector<std::unique_ptr<Copy>> copies_;
  std::shared_ptr<Batch> next_ = std::make_shared<Batch>();
  int connections_ = 0;
  bool is_writing_ = false;
  bool is_due_ = false;  // the next batch has waited long enough
};

class CopyingServer {
 public:
  explicit CopyingServer(Copies& copies) : copies_(copies) {}

  void on_connection(int change) { copies_.add_connections(change); }

  asio::awaitable<PlainResponse> answer(const PlainRequest& request) {
    if (request.method() != boost::beast::http::verb::post) co_return plain_response(request, "");
    const boost::json::value body = boost::json::parse(request.body());
    const boost::json::array& parameters = body.at("statements").at(0).at("params").as_array();
    Row row{.id = parameters.at(0).as_int64(), .owner = std::string(parameters.at(1).as_string())};
    co_await copies_.write(std::move(row));
    co_return plain_response(request, receipt(1));
  }

 private:
  Copies& copies_;
};

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("usage: quorate-copies PORT FOLDER");
    boost::asio::io_context context(1);
    quorate::bench::Copies copies(context, argv[2]);
    quorate::bench::CopyingServer server(copies);
    quorate::bench::serve(context, static_cast<std::uint16_t>(std::stoi(argv[1])), server);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "quorate-copies: {}\n", error.what());
    return 1;
  }
}
