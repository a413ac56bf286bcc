// Splits and decodes an HTTP request target (RFC 9112 §3.2): origin form ("/path?query"), or the absolute
// form that proxies send.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "server/http_message.hpp"

namespace quorate {

// Fills path and query of the request from `target`. Percent escapes are decoded; in the query "+" is a
// space. Error: malformed_request; the request is then unusable.
Result<void> parse_target(std::string_view target, HttpRequest& request);

}  // namespace quorate
