// Something that the core was asked for and that is awaited later: until then its caller can do something else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "core/coordinator.hpp"

namespace quorate {

// For one strand; the callback may be called on any thread.
template <typename T>
class StartedResult {
 public:
  // Calls start(callback) at once. The callback must be called at most once, and may be after this object is gone.
  template <typename Start>
  StartedResult(const boost::asio::any_io_executor& strand, Start start)
      : state_(std::make_shared<State>(strand)) {
    start(MultiDbCoordinator::Callback<T>([state = state_](Result<T> result) {
      boost::asio::post(state->wake.get_executor(), [state, result = std::move(result)]() mutable {
        state->result = std::move(result);
        state->wake.cancel();
      });
    }));
  }

  bool is_done() const { return state_->result.has_value(); }

  // The result. To be awaited once.
  boost::asio::awaitable<Result<T>> wait() {
    const std::shared_ptr<State> state = state_;
    while (!state->result) {
      state->wake.expires_at(std::chrono::steady_clock::time_point::max());
      co_await state->wake.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return std::move(*state->result);
  }

 private:
  struct State {
    explicit State(const boost::asio::any_io_executor& strand) : wake(strand) {}
    boost::asio::steady_timer wake;
    std::optional<Result<T>> result;
  };
  std::shared_ptr<State> state_;
};

}  // namespace quorate
