// The load generator. A closed loop: each connection sends its next request when the answer to the last one is there. An
// open loop: requests are due at a fixed rate, whatever the server does, and each one's latency counts from when it was
// due, so that a server that stalls cannot hide it (coordinated omission). One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/connection.hpp"
#include "tests/bench/histogram.hpp"

namespace quorate::bench {

// What the connections ask. Called from one thread, with the connection's number.
class Workload {
 public:
  virtual ~Workload() = default;

  // A connection to the server at this port; HTTP, unless a workload says otherwise.
  virtual std::unique_ptr<Connection> make_connection(const boost::asio::any_io_executor& executor,
                                                      std::uint16_t port);

  // The bytes of the connection's next request; they stay as they are until its answer was given to accept().
  virtual std::string_view next(std::size_t connection) = 0;

  // True when the answer is the right one. Anything else than status 200 never gets here: it is an error anyway.
  virtual bool accept(std::size_t connection, const Response& response) = 0;
};

struct RunResult {
  std::uint64_t operations = 0;  // answered rightly, after the warm-up
  std::uint64_t errors = 0;      // all others, warm-up included
  std::string first_error;
  std::chrono::duration<double> elapsed{0};
  // An open loop's requests that no connection was free for at the end count with the time that they had waited.
  Histogram latency;
  std::uint64_t late = 0;      // open loop: sent more than a millisecond after they were due
  std::uint64_t unsent = 0;    // open loop: due, and never sent
  double generator_cores = 0;  // processor time of this process by wall time, warm-up included
  double node_cores = 0;       // likewise of the target's processes, where whoever runs it measures that
  std::vector<std::uint32_t> slot_operations;  // of each slot, when slots are asked for
  double per_second() const {
    return elapsed.count() > 0 ? static_cast<double>(operations) / elapsed.count() : 0;
  }
};

struct LoadOptions {
  std::uint16_t port = 0;
  std::size_t connections = 1;     // open loop: the most; they are opened as they are needed
  double arrivals_per_second = 0;  // 0: a closed loop
  std::chrono::milliseconds warm_up{0};
  std::chrono::milliseconds duration{1'000};                             // the longest, after the warm-up
  std::uint64_t operations = std::numeric_limits<std::uint64_t>::max();  // stop when so many are done
  std::chrono::milliseconds slot{0};  // count the answers in slots of this length
  // What has been done so far, and the longest time without a right answer since the last call.
  std::function<void(const RunResult& so_far, std::chrono::nanoseconds longest_gap)> every_second =
      [](const RunResult&, std::chrono::nanoseconds) {};
};

// Blocks until the duration is over, the operations are done, or too many errors have come. An answer that does not
// come within half a minute ends the run and counts as an error.
RunResult run_load(const LoadOptions& options, Workload& workload);

}  // namespace quorate::bench
