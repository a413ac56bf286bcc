// What the HTTP server may be told, as plain values with their defaults. Filled by config/, used by server/.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate {

// Every bound on what one client, or all clients together, may make the HTTP side hold or wait for.
struct HttpLimits {
  std::size_t body_bytes = 16UL * 1024 * 1024;                // of one request
  std::uint64_t restore_bytes = 1024UL * 1024 * 1024 * 1024;  // of the file that POST /v1/restore takes
  std::uint64_t ingest_bytes = 1024UL * 1024 * 1024 * 1024;   // of what POST /v1/ingest takes
  std::size_t ingests = 20;                                   // under way at once
  std::size_t header_bytes = 16UL * 1024;                     // of all header fields of one request together
  std::size_t target_bytes = 8UL * 1024;                      // of the request target: path and query string
  std::size_t json_depth = 64;                                // nested arrays and objects in a body
  std::size_t json_values = 2'000'000;                        // values in a body
  std::size_t connections = 10'000;                     // open at once; further ones get 503 and are closed
  std::size_t body_memory_bytes = 256UL * 1024 * 1024;  // of all large bodies being received or handled
};

struct HttpTimeouts {
  std::chrono::milliseconds idle{60'000};  // between requests, and for a client that does not read its answer
  std::chrono::milliseconds header{10'000};  // from a request's first byte to the end of its header
  std::chrono::milliseconds body{
      30'000};  // from the end of the header to the end of the body; of POST /v1/restore, for each piece
  std::chrono::milliseconds stream_write{30'000};  // for a client to accept one piece of a streamed result
  std::chrono::milliseconds shutdown{
      15'000};  // to finish what is in flight when the process is asked to stop
};

struct HttpOptions {
  std::string address = "127.0.0.1";  // a numeric address or a host name
  std::uint16_t port = 8080;          // 0: any free one
  std::size_t io_threads = 2;
  HttpLimits limits;
  HttpTimeouts timeouts;
  std::vector<std::string> cors_origins;  // whose pages may use the API; "*": all; empty: none
  bool log_requests = false;              // every one, not only those that failed
};

}  // namespace quorate
