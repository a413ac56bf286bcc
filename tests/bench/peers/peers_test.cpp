#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/peers/key_value.hpp"
#include "tests/bench/peers/one_at_a_time.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace {

namespace asio = boost::asio;

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("a value has its row's bytes and begins with its key") {
  CHECK(value_of(kSmallestNumber, kSmallRowBytes).size() == kSmallRowBytes);
  CHECK(value_of(kSmallestNumber, 1'024).size() == 1'024);
  CHECK(value_of(kSmallestNumber, 0) == key_of(kSmallestNumber));
  CHECK(value_of(kSmallestNumber, kSmallRowBytes).starts_with(key_of(kSmallestNumber)));
}

// Answers a millisecond later, and counts the requests under way.
class SlowConnection : public Connection {
 public:
  SlowConnection(asio::io_context& context, int& under_way, std::vector<std::string>& order)
      : timer_(context), under_way_(under_way), order_(order) {}
  asio::awaitable<void> connect() override { co_return; }
  asio::awaitable<Response> exchange(std::string_view request) override {
    CHECK(++under_way_ == 1);
    order_.emplace_back(request);
    timer_.expires_after(std::chrono::milliseconds(1));
    co_await timer_.async_wait(asio::use_awaitable);
    --under_way_;
    if (request == "fails") throw std::runtime_error("as it should");
    co_return Response{.status = 200, .body = {}};
  }
  void close() override {}
  bool is_open() const override { return true; }

 private:
  asio::steady_timer timer_;
  int& under_way_;
  std::vector<std::string>& order_;
};

asio::awaitable<void> ask(std::unique_ptr<Connection> connection, std::string request, int times) {
  for (int time = 0; time < times; ++time) {
    try {
      co_await connection->exchange(request);
    } catch (const std::runtime_error&) {
      CHECK(request == "fails");
    }
  }
}

TEST_CASE("connections take turns, in the order in which they ask, and an error passes the turn on") {
  asio::io_context context;
  int under_way = 0;
  std::vector<std::string> order;
  const auto turns = std::make_shared<Turns>();
  for (const char* request : {"a", "fails", "b"}) {
    auto connection =
        std::make_unique<TakingTurns>(std::make_unique<SlowConnection>(context, under_way, order), turns);
    asio::co_spawn(context, ask(std::move(connection), request, 2), asio::detached);
  }
  context.run();
  CHECK(order == std::vector<std::string>{"a", "fails", "b", "a", "fails", "b"});
}

}  // namespace
}  // namespace quorate::bench
