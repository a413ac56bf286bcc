// Makes a ServeConfig of the command line, the environment, a file and the defaults; the earlier wins over
// the later.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/serve_config.hpp"

namespace quorate {

struct ConfigSources {
  bool witness = false;  // the process is a witness, and takes witness_settings() only
  std::map<std::string, std::vector<std::string>>
      flags;  // by the setting's name; every value given, in order
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::optional<std::string> file;  // its path; in TOML, with the settings' names as keys
};

// Every mistake at once, each a sentence that names where it is.
using ConfigErrors = std::vector<std::string>;

// Reads the file, if one is named; touches nothing else. The config's cluster has its nodes.
std::expected<ServeConfig, ConfigErrors> load_config(const ConfigSources& sources);

}  // namespace quorate
