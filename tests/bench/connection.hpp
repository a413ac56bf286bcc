// One persistent connection of the load generator to a server on 127.0.0.1, whatever it speaks.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string_view>

namespace quorate::bench {

struct Response {
  int status = 0;         // of HTTP; what is not HTTP says 200 for success
  std::string_view body;  // valid until the next exchange on the same connection
};

// One thread. Errors are exceptions; after one, close() and connect() again.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual boost::asio::awaitable<void> connect() = 0;
  // `request` is what the workload's next() gave, and stays as it is until the answer is there.
  virtual boost::asio::awaitable<Response> exchange(std::string_view request) = 0;
  virtual void close() = 0;
  virtual bool is_open() const = 0;
};

}  // namespace quorate::bench
