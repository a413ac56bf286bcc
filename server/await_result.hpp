// Joins the core's callbacks with coroutines.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/coordinator.hpp"

namespace quorate {

// Calls start(callback) at once and waits until the callback is called, on whatever thread; the caller goes
// on on its own executor. The callback must be called exactly once.
template <typename T, typename Start>
boost::asio::awaitable<Result<T>> await_result(Start start) {
  auto initiate = [](auto handler, Start begin) {
    begin(MultiDbCoordinator::Callback<T>([handler = std::move(handler)](Result<T> result) mutable {
      auto executor = boost::asio::get_associated_executor(handler);
      boost::asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
        std::move(handler)(std::move(result));
      });
    }));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result<T>)>(
      initiate, boost::asio::use_awaitable, std::move(start));
}

}  // namespace quorate
