// Splits and decodes an HTTP request target (RFC 9112 §3.2): origin form ("/path?query"), or the absolute
// form that proxies send.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "server/http_message.hpp"

namespace quorate {

// Fills path and query of the request from `target`. The path keeps its percent escapes, which are valid: where
// one stands for "/", it is no end of a segment. Those of the query are decoded, and "+" is a space there. Error:
// malformed_request; the request is then unusable.
Result<void> parse_target(std::string_view target, HttpRequest& request);

// A part of such a path without its escapes.
std::string percent_decoded(std::string_view encoded);

}  // namespace quorate
