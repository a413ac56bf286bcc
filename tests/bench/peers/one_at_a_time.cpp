#include "tests/bench/peers/one_at_a_time.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace quorate::bench {
namespace asio = boost::asio;

asio::awaitable<void> Turns::take() {
  if (!std::exchange(taken_, true)) co_return;
  // It is cancelled by the one who gives the turn, so that `taken_` stays true.
  asio::steady_timer turn(co_await asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
  waiting_.push_back(&turn);
  co_await turn.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Turns::give() {
  if (waiting_.empty()) {
    taken_ = false;
    return;
  }
  waiting_.front()->cancel();
  waiting_.pop_front();
}

TakingTurns::TakingTurns(std::unique_ptr<Connection> connection, std::shared_ptr<Turns> turns)
    : connection_(std::move(connection)), turns_(std::move(turns)) {}

asio::awaitable<void> TakingTurns::connect() {
  return connection_->connect();
}

asio::awaitable<Response> TakingTurns::exchange(std::string_view request) {
  co_await turns_->take();
  Response response;
  try {
    response = co_await connection_->exchange(request);
  } catch (...) {
    turns_->give();
    throw;
  }
  turns_->give();
  co_return response;
}

}  // namespace quorate::bench
