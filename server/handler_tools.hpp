// What several handlers share.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string_view>

#include "core/error.hpp"
#include "core/query.hpp"
#include "core/transaction.hpp"
#include "server/http_message.hpp"
#include "server/json_writer.hpp"

namespace quorate {

struct Services;

inline Deadline deadline_after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

// malformed_request if the URL has a query parameter other than these: a misspelt one must not go unnoticed.
Result<void> check_query_parameters(const HttpRequest& request,
                                    std::initializer_list<std::string_view> known);

// malformed_request if the transaction asks for less than the cluster's mode.
Result<void> check_mode(const Services& services, const Transaction& transaction);

// ?integers=string or ?integers=number; without it, number.
Result<IntegerStyle> integer_style(const HttpRequest& request);

}  // namespace quorate
