// A response body that is made while it is sent, piece by piece, so that no more than a piece is in memory at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace quorate {

using BodyTrailers = std::vector<std::pair<std::string_view, std::string>>;

// Runs on the connection's strand.
class BodyStream {
 public:
  virtual ~BodyStream() = default;

  // cut: it failed. What has come so far is sent, and then the connection is closed without the end of the body, so
  // that the client cannot take it for complete.
  enum class Then { more, end, cut };

  // Appends the next piece. Asked for when the former has been written; not again after `end` or `cut`.
  virtual boost::asio::awaitable<Then> next(std::string& out) = 0;

  // After `end`: the fields behind the last chunk.
  virtual BodyTrailers trailers() const { return {}; }
  // After `cut`: why.
  virtual const Error& failure() const = 0;
};

}  // namespace quorate
