// Which request a piece of work is done for, so that the logs of all processes that take part can be joined.
#pragma once

#include <string>

namespace quorate {

struct RequestContext {
  std::string id = {};     // X-Request-Id
  std::string trace = {};  // the W3C traceparent that came with it; empty: none did
  bool operator==(const RequestContext&) const = default;
};

}  // namespace quorate
