// `quorate serve`: opens the cluster, serves HTTP until SIGTERM or SIGINT, and ends in order.
#pragma once

#include "config/serve_config.hpp"

namespace quorate {

// Blocks until the process is asked to end. Call it from the main thread, before there are others: it blocks
// the signals for all threads. Returns the exit code: 0; 2 when the configuration does not fit the databases;
// 1 for any other failure to start, with one sentence on standard error.
int run_serve(const ServeConfig& config);

}  // namespace quorate
