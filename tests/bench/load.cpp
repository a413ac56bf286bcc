#include "tests/bench/load.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <utility>

#include "tests/bench/http.hpp"
#include "tests/bench/process_usage.hpp"

namespace quorate::bench {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t kMaxErrors = 1'000;
constexpr std::chrono::milliseconds kPauseAfterError{20};
constexpr std::chrono::seconds kAnswerWait{30};
constexpr std::chrono::milliseconds kLate{1};
constexpr std::size_t kShownBytes = 300;

class LoadRun {
 public:
  LoadRun(const LoadOptions& options, Workload& workload)
      : options_(options),
        workload_(workload),
        start_(Clock::now()),
        begin_(start_ + options.warm_up),
        end_(begin_ + options.duration),
        last_(begin_),
        ticker_(context_) {}

  RunResult run() {
    const auto processor = own_processor_time();
    if (options_.arrivals_per_second > 0) {
      spawn(arrive());
    } else {
      for (std::size_t number = 0; number < options_.connections; ++number) spawn(converse(number));
    }
    asio::co_spawn(context_, tick(), asio::detached);
    context_.run_until(end_ + kAnswerWait);
    if (active_ > 0) fail(fmt::format("{} connections wait for an answer that does not come", active_));
    for (const Clock::time_point due : due_) count_unsent(due);
    const bool all_done = result_.operations >= options_.operations;
    result_.elapsed = (all_done ? last_ : std::min(Clock::now(), end_)) - begin_;
    const std::chrono::duration<double> wall = Clock::now() - start_;
    result_.generator_cores = (own_processor_time() - processor) / wall;
    return std::move(result_);
  }

 private:
  bool is_over() const {
    return Clock::now() >= end_ || result_.operations >= options_.operations || result_.errors >= kMaxErrors;
  }

  void spawn(asio::awaitable<void> activity) {
    ++active_;
    asio::co_spawn(context_, std::move(activity), [this](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
      if (--active_ == 0) ticker_.cancel();
    });
  }

  // Closed loop: one connection.
  asio::awaitable<void> converse(std::size_t number) {
    const auto connection = workload_.make_connection(context_.get_executor(), options_.port);
    while (!is_over()) co_await ask(*connection, number, Clock::now());
  }

  // Open loop: what makes the requests due.
  asio::awaitable<void> arrive() {
    asio::steady_timer timer(context_);
    const std::chrono::duration<double> interval(1 / options_.arrivals_per_second);
    std::size_t connections = 0;
    for (std::uint64_t number = 0; !is_over(); ++number) {
      const auto due =
          start_ + std::chrono::duration_cast<Clock::duration>(static_cast<double>(number) * interval);
      if (due >= end_) break;
      if (due > Clock::now()) {
        timer.expires_at(due);
        co_await timer.async_wait(asio::use_awaitable);
      }
      due_.push_back(due);
      if (!idle_.empty()) {
        idle_.back()->cancel();
        idle_.pop_back();
      } else if (connections < options_.connections) {
        spawn(serve(connections++));
      }
    }
    have_all_arrived_ = true;
    for (asio::steady_timer* const wake : idle_) wake->cancel();
  }

  // Open loop: one connection, which takes what is due the longest.
  asio::awaitable<void> serve(std::size_t number) {
    const auto connection = workload_.make_connection(context_.get_executor(), options_.port);
    asio::steady_timer wake(context_);
    for (;;) {
      while (!due_.empty() && !is_over()) {
        const auto due = due_.front();
        due_.pop_front();
        if (due >= begin_ && Clock::now() > due + kLate) ++result_.late;
        co_await ask(*connection, number, due);
      }
      if (have_all_arrived_ || is_over()) co_return;
      wake.expires_at(Clock::time_point::max());
      idle_.push_back(&wake);
      co_await wake.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  // One request and its answer. After an error, the connection is closed, and rests for a moment.
  asio::awaitable<void> ask(Connection& connection, std::size_t number, Clock::time_point due) {
    try {
      if (!connection.is_open()) co_await connection.connect();
      const Response response = co_await connection.exchange(workload_.next(number));
      count(number, response, due);
      co_return;
    } catch (const std::exception& exception) {
      connection.close();
      fail(exception.what());
    }
    asio::steady_timer pause(context_, kPauseAfterError);
    co_await pause.async_wait(asio::use_awaitable);
  }

  void count(std::size_t number, const Response& response, Clock::time_point due) {
    const auto now = Clock::now();
    if (response.status != 200 || !workload_.accept(number, response)) {
      return fail(fmt::format("status {}: {}", response.status, response.body.substr(0, kShownBytes)));
    }
    // A request of an open loop belongs to the run when it is due in it, one of a closed loop when it is answered in it.
    const auto counted = options_.arrivals_per_second > 0 ? due : now;
    if (counted < begin_ || counted > end_) return;
    ++result_.operations;
    longest_gap_ = std::max(longest_gap_, now - last_);
    result_.latency.record(now - due);
    last_ = now;
    if (options_.slot.count() == 0) return;
    const auto slot = static_cast<std::size_t>((now - begin_) / options_.slot);
    if (slot >= result_.slot_operations.size()) result_.slot_operations.resize(slot + 1);
    ++result_.slot_operations[slot];
  }

  void count_unsent(Clock::time_point due) {
    if (due < begin_) return;
    ++result_.unsent;
    result_.latency.record(end_ - due);
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
  Clock::time_point start_;
  Clock::time_point begin_;
  Clock::time_point end_;
  Clock::time_point last_;
  Clock::duration longest_gap_{0};  // between right answers, since the last tick
  asio::steady_timer ticker_;
  std::size_t active_ = 0;
  std::deque<Clock::time_point> due_;      // open loop: what nobody has sent yet, the oldest first
  std::vector<asio::steady_timer*> idle_;  // open loop: of connections that wait for something to do
  bool have_all_arrived_ = false;
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
