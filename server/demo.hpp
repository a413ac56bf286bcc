// `quorate demo`: a narrated tour of what Quorate promises, run for real on three SQLite files in a temporary folder.
#pragma once

#include <ostream>

namespace quorate {

// Returns 0 if every step did what it says, else 1 after telling which one did not. Blocks for a few seconds.
int run_demo(std::ostream& out);

}  // namespace quorate
