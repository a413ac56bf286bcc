// One thing that can be configured: its name, meaning and default, and how its text becomes a value.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/serve_config.hpp"

namespace quorate {

struct Setting {
  std::string name;   // "--name" on the command line, "name" in the file, QUORATE_NAME in the environment
  std::string group;  // a heading of --help
  std::string value_name;     // what --help shows for the value: "HOST:PORT"
  std::string documentation;  // one sentence or two
  std::string default_text;   // "" when there is none worth showing
  bool is_list = false;       // may be given several times
  // Sets the value in the config, or says in a few words what is wrong with the text.
  std::function<std::expected<void, std::string>(ServeConfig& config, std::string_view text)> apply;
};

// All settings of `serve`, in the order in which --help shows them. Their defaults are those of a
// ServeConfig{}.
const std::vector<Setting>& serve_settings();
// Those of them that `witness` takes.
const std::vector<Setting>& witness_settings();

// "QUORATE_IO_THREADS" for "io-threads".
std::string environment_name(std::string_view setting_name);

}  // namespace quorate
