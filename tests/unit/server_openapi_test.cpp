#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

#include "server/openapi_text.hpp"
#include "server/router.hpp"

namespace quorate {
namespace {

// "POST /v1/query" and so on: the lines "  /path:" and "    method:" under "paths:".
std::set<std::string> documented_operations() {
  std::istringstream lines{std::string(kOpenApiText)};
  std::set<std::string> operations;
  std::string path;
  bool in_paths = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ') in_paths = line == "paths:";
    if (!in_paths || !line.ends_with(':')) continue;
    line.pop_back();
    if (line.starts_with("  /")) path = line.substr(2);
    if (!line.starts_with("    ") || line[4] == ' ') continue;
    std::string method = line.substr(4);
    for (char& c : method) c = static_cast<char>(std::toupper(c));
    if (parse_method(method) != HttpMethod::other) operations.insert(method + " " + path);
  }
  return operations;
}

}  // namespace

TEST_CASE("openapi.yaml has exactly the routes of the server") {
  std::set<std::string> routed;
  for (const Route& route : api_routes()) {
    routed.insert(std::string(to_string(route.method)) + " " + std::string(route.path));
  }
  CHECK(routed == documented_operations());
}

}  // namespace quorate
