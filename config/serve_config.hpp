// Everything that `quorate serve` can be told, as plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/http_options.hpp"
#include "core/cluster_config.hpp"

namespace quorate {

struct ServeConfig {
  HttpOptions http;
  ClusterConfig cluster;                        // its nodes are made of the following three
  std::optional<std::string> database;          // --db: the first node's
  std::vector<std::string> backups;             // --backup: those of further nodes
  std::string data_directory = "quorate-data";  // where three nodes are kept when no database is named
  std::string log_level = "info";
};

}  // namespace quorate
