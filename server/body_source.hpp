// A request body that is taken while it arrives, piece by piece, so that no more than a piece is in memory at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "core/error.hpp"

namespace quorate {

// Runs on the connection's strand.
class BodySource {
 public:
  virtual ~BodySource() = default;

  // The next bytes, some 128 KiB at most; empty at the end. Error: the client has gone, is too slow, or sends what is no
  // body; whatever the handler answers then, the client is told that.
  virtual boost::asio::awaitable<Result<std::string>> next() = 0;

  // True when next() would not have to wait for the client.
  virtual bool is_ready() = 0;
};

}  // namespace quorate
