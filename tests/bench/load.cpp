#include "tests/bench/load.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "tests/bench/http.hpp"

namespace quorate::bench {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kMaxErrors = 1'000;
constexpr std::chrono::milliseconds kPauseAfterError{20};
constexpr std::chrono::seconds kAnswerWait{30};
constexpr std::size_t kShownBytes = 300;

class LoadRun {
 public:
  LoadRun(const LoadOptions& options, Workload& workload)
      : options_(options),
        workload_(workload),
        begin_(Clock::now() + options.warm_up),
        end_(begin_ + options.duration),
        last_(begin_),
        ticker_(context_) {}

  RunResult run() {
    for (std::size_t number = 0; number < options_.connections; ++number) {
      ++active_;
      asio::co_spawn(context_, converse(number), asio::detached);
    }
    asio::co_spawn(context_, tick(), asio::detached);
    context_.run_until(end_ + kAnswerWait);
    if (active_ > 0) fail(fmt::format("{} connections wait for an answer that does not come", active_));
    const bool all_done = result_.operations >= options_.operations;
    result_.elapsed = (all_done ? last_ : std::min(Clock::now(), end_)) - begin_;
    return std::move(result_);
  }

 private:
  bool is_over() const {
    return Clock::now() >= end_ || result_.operations >= options_.operations || result_.errors >= kMaxErrors;
  }

  asio::awaitable<void> converse(std::size_t number) {
    const std::unique_ptr<Connection> connection =
        workload_.make_connection(context_.get_executor(), options_.port);
    asio::steady_timer pause(context_);
    while (!is_over()) {
      bool failed = false;
      try {
        if (!connection->is_open()) co_await connection->connect();
        const auto sent = Clock::now();
        const Response response = co_await connection->exchange(workload_.next(number));
        count(number, response, sent);
      } catch (const std::exception& exception) {
        connection->close();
        fail(exception.what());
        failed = true;
      }
      if (!failed) continue;
      pause.expires_after(kPauseAfterError);
      co_await pause.async_wait(asio::use_awaitable);
    }
    if (--active_ == 0) ticker_.cancel();
  }

  void count(std::size_t number, const Response& response, Clock::time_point sent) {
    const auto now = Clock::now();
    if (response.status != 200 || !workload_.accept(number, response)) {
      return fail(fmt::format("status {}: {}", response.status, response.body.substr(0, kShownBytes)));
    }
    if (now < begin_ || now > end_) return;
    ++result_.operations;
    longest_gap_ = std::max(longest_gap_, now - last_);
    result_.latency.record(now - sent);
    last_ = now;
  }

  void fail(std::string what) {
    if (++result_.errors == 1) result_.first_error = std::move(what);
  }

  asio::awaitable<void> tick() {
    while (active_ > 0) {
      ticker_.expires_after(std::chrono::seconds(1));
      const auto [cancelled] = co_await ticker_.async_wait(asio::as_tuple(asio::use_awaitable));
      if (cancelled) co_return;
      longest_gap_ = std::max(longest_gap_, Clock::now() - std::max(last_, begin_));
      options_.every_second(result_, std::exchange(longest_gap_, {}));
    }
  }

  const LoadOptions& options_;
  Workload& workload_;
  asio::io_context context_{1};
  Clock::time_point begin_;
  Clock::time_point end_;
  Clock::time_point last_;
  Clock::duration longest_gap_{0};  // between right answers, since the last tick
  asio::steady_timer ticker_;
  std::size_t active_ = 0;
  RunResult result_;
};

}  // namespace

std::unique_ptr<Connection> Workload::make_connection(const asio::any_io_executor& executor,
                                                      std::uint16_t port) {
  return std::make_unique<HttpConnection>(executor, port);
}

RunResult run_load(const LoadOptions& options, Workload& workload) {
  return LoadRun(options, workload).run();
}

}  // namespace quorate::bench
