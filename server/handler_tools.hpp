// What several handlers share.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/query.hpp"
#include "core/transaction.hpp"
#include "server/http_message.hpp"
#include "server/json_reader.hpp"
#include "server/json_writer.hpp"

namespace quorate {

struct Services;

// One of at most `limit` requests of a kind that are under way at a time, for as long as it lives.
class Turn {
 public:
  Turn(std::atomic<std::size_t>& taken, std::size_t limit) {
    std::size_t count = taken;
    while (count < limit && taken_ == nullptr) {
      if (taken.compare_exchange_weak(count, count + 1)) taken_ = &taken;
    }
  }
  Turn(Turn&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (taken_ != nullptr) --*taken_;
  }
  bool is_ours() const { return taken_ != nullptr; }  // if not, there were enough: nothing may be begun

 private:
  std::atomic<std::size_t>* taken_ = nullptr;
};

inline Deadline deadline_after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

// read_json(); while a large body is read, other connections get their turn. The body must outlive the coroutine.
boost::asio::awaitable<Result<JsonValue>> read_body(std::string_view body, JsonLimits limits,
                                                    JsonRowsMember rows = {});

// malformed_request if the URL has a query parameter other than these: a misspelt one must not go unnoticed.
Result<void> check_query_parameters(const HttpRequest& request,
                                    std::initializer_list<std::string_view> known);

// malformed_request if the transaction asks for less than the cluster's mode.
Result<void> check_mode(const Services& services, const Transaction& transaction);

// For what is streamed: 426.
HttpResponse needs_http_1_1(const HttpRequest& request, std::string_view detail);

// ?integers=string or ?integers=number; without it, number.
Result<IntegerStyle> integer_style(const HttpRequest& request);

}  // namespace quorate
