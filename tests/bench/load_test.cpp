#include <doctest/doctest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>

#include "tests/bench/load.hpp"

namespace quorate::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A server inside the program: it answers after a fixed time, but between two points of time it does not answer at all.
struct Stall {
  milliseconds service{1};
  Clock::time_point begin;
  Clock::time_point end;
  int status = 200;
};

class StallingConnection : public Connection {
 public:
  StallingConnection(const asio::any_io_executor& executor, const Stall& stall)
      : timer_(executor), stall_(stall) {}
  asio::awaitable<void> connect() override {
    open_ = true;
    co_return;
  }
  asio::awaitable<Response> exchange(std::string_view /*request*/) override {
    auto answered = Clock::now() + stall_.service;
    if (answered >= stall_.begin && answered < stall_.end) answered = stall_.end;
    timer_.expires_at(answered);
    co_await timer_.async_wait(asio::use_awaitable);
    co_return Response{stall_.status, "right"};
  }
  void close() override { open_ = false; }
  bool is_open() const override { return open_; }

 private:
  asio::steady_timer timer_;
  const Stall& stall_;
  bool open_ = false;
};

class StallingWorkload : public Workload {
 public:
  explicit StallingWorkload(Stall stall) : stall_(stall) {}
  std::unique_ptr<Connection> make_connection(const asio::any_io_executor& executor, std::uint16_t) override {
    ++connections;
    return std::make_unique<StallingConnection>(executor, stall_);
  }
  std::string_view next(std::size_t) override { return "request"; }
  bool accept(std::size_t, const Response& response) override { return response.body == "right"; }
  std::size_t connections = 0;

 private:
  Stall stall_;
};

Stall stall_of(milliseconds after, milliseconds length) {
  const auto begin = Clock::now() + after;
  return {.begin = begin, .end = begin + length};
}

}  // namespace

// 100 ms of one second: a tenth of the arrivals meet it, and wait for half of it on average.
TEST_CASE("an open loop shows a stall in its p99, a closed loop of one connection hides it") {
  LoadOptions load{.connections = 1, .duration = milliseconds(1'000)};
  StallingWorkload closed(stall_of(milliseconds(300), milliseconds(100)));
  const RunResult hidden = run_load(load, closed);
  CHECK(hidden.errors == 0);
  CHECK(hidden.latency.at(1) >= milliseconds(90));
  CHECK(hidden.latency.at(0.99) < milliseconds(60));

  load.connections = 64;
  load.arrivals_per_second = 400;
  StallingWorkload open(stall_of(milliseconds(300), milliseconds(100)));
  const RunResult shown = run_load(load, open);
  CHECK(shown.errors == 0);
  CHECK(shown.unsent == 0);
  CHECK(shown.operations == 400);
  CHECK(shown.latency.at(0.99) > milliseconds(70));
  CHECK(shown.latency.at(0.5) < milliseconds(50));
}

TEST_CASE("waiting for a free connection is part of an open loop's latency") {
  LoadOptions load{.connections = 1, .arrivals_per_second = 400, .duration = milliseconds(1'000)};
  StallingWorkload workload(stall_of(milliseconds(300), milliseconds(100)));
  const RunResult result = run_load(load, workload);
  CHECK(result.late >= 30);
  CHECK(result.latency.at(0.99) > milliseconds(70));
}

TEST_CASE("an open loop that the server cannot follow counts what it could not send") {
  LoadOptions load{.connections = 2, .arrivals_per_second = 1'000, .duration = milliseconds(500)};
  StallingWorkload workload({.service = milliseconds(20)});
  const RunResult result = run_load(load, workload);
  CHECK(result.errors == 0);
  CHECK(result.operations + result.unsent == 500);
  CHECK(result.operations <= 60);
  CHECK(result.late > 0);
  // Those that were never sent had waited too.
  CHECK(result.latency.count() == 500);
  CHECK(result.latency.at(0.5) > milliseconds(150));
}

TEST_CASE("an open loop opens connections as it needs them, and no more than it may") {
  LoadOptions load{.connections = 64, .arrivals_per_second = 50, .duration = milliseconds(300)};
  StallingWorkload quick({.service = milliseconds(0)});
  CHECK(run_load(load, quick).errors == 0);
  CHECK(quick.connections <= 4);

  load.arrivals_per_second = 1'000;
  load.connections = 8;
  StallingWorkload slow({.service = milliseconds(50)});
  CHECK(run_load(load, slow).errors == 0);
  CHECK(slow.connections == 8);
}

TEST_CASE("requests that are due in the warm-up are not counted") {
  LoadOptions load{.connections = 8,
                   .arrivals_per_second = 200,
                   .warm_up = milliseconds(200),
                   .duration = milliseconds(300)};
  StallingWorkload workload({.service = milliseconds(0)});
  const RunResult result = run_load(load, workload);
  CHECK(result.operations == 60);
}

TEST_CASE("the slots add up to the answers of the run") {
  LoadOptions load{.connections = 4, .duration = milliseconds(200), .slot = milliseconds(10)};
  StallingWorkload workload(stall_of(milliseconds(50), milliseconds(100)));
  const RunResult result = run_load(load, workload);
  std::uint64_t sum = 0;
  for (const std::uint32_t slot : result.slot_operations) sum += slot;
  CHECK(sum == result.operations);
  REQUIRE(result.slot_operations.size() > 12);
  for (std::size_t slot = 7; slot < 12; ++slot) CHECK(result.slot_operations[slot] == 0);
}

TEST_CASE("an answer that is not 200 is an error, and none of the operations") {
  const LoadOptions load{.connections = 2, .duration = milliseconds(50)};
  StallingWorkload workload({.status = 503});
  const RunResult result = run_load(load, workload);
  CHECK(result.operations == 0);
  CHECK(result.errors > 0);
  CHECK(result.first_error == "status 503: right");
}

}  // namespace quorate::bench
