// The engines that `--engine` can name: an explicit name -> factory map.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/engine.hpp"

namespace quorate {

struct EngineOptions {
  std::string uri;  // of --db: for sqlite the path of the database file
};

// Opens (creates, if absent) the database at options.uri with the engine of that name.
// Errors: not_found (no such engine; the message lists those there are), io_error, corrupt.
Result<std::unique_ptr<StorageEngine>> open_engine(const std::string& name, const EngineOptions& options);

std::vector<std::string> engine_names();

// Sets up, for the whole process, the libraries that engines use. To be called first: what makes SQLite fast can only be set
// before anybody uses it, and the log does too. Throws std::runtime_error.
void prepare_engines();

}  // namespace quorate
