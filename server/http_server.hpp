// The HTTP listener with its io threads and connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "config/http_options.hpp"
#include "core/error.hpp"
#include "server/services.hpp"

namespace quorate {

class HttpServer {
 public:
  // Listens and serves from now on. The services must outlive it. Error: io_error, when the address cannot be
  // used.
  static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options, const Services& services);

  ~HttpServer();  // stop()s
  HttpServer(const HttpServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:8080", with the actual port

  // Takes no new connections; ends those that are idle; the others end after the answer to their present
  // request. Returns at once. Any thread.
  void begin_stop();

  // Waits until all connections have ended or the time has passed. True if they have. Blocks.
  bool wait_for_connections(std::chrono::milliseconds time);

  // Ends all connections that are left, and the threads. Blocks; idempotent. An answer that the coordinator gives
  // later finds no connection; it must come before this object is destroyed.
  void stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate
