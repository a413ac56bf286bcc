// What is logged of requests, with the ids by which the log lines of all processes that took part are found.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/participant.hpp"
#include "server/http_message.hpp"

namespace quorate {

// A request that has been answered, or whose connection ended before all of the answer was sent.
struct AnsweredRequest {
  const HttpRequest& request;
  const HttpResponse& response;
  std::chrono::microseconds duration;  // from the request's last byte to the answer's
  std::uint64_t bytes = 0;             // of the answer, sent
  bool is_whole = true;
};

// Warns of answers with status 500 and above, of outcomes that are unknown, and of streams that failed; with `all`, tells
// of the others too.
void log_request(const AnsweredRequest& answered, bool all);

// A call of another process: a debug line, or a warning if this side failed.
void log_served_call(const ServedCall& call);

}  // namespace quorate
