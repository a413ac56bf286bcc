#include "server/router.hpp"

namespace quorate {

namespace {

// The argument is set when the pattern ends in {name} and matches.
bool matches(std::string_view pattern, std::string_view path, std::string_view& argument) {
  const std::size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, brace))) return false;
  const std::string_view rest = path.substr(brace);
  if (rest.empty() || rest.contains('/')) return false;
  argument = rest;
  return true;
}

bool answers(const Route& route, HttpMethod method) {
  return route.method == method || (route.method == HttpMethod::get && method == HttpMethod::head);
}

void append_allowed(std::string& allow, HttpMethod method) {
  if (!allow.empty()) allow += ", ";
  allow += to_string(method);
  if (method == HttpMethod::get) allow += ", HEAD";
}

}  // namespace

RouteMatch find_route(std::span<const Route> routes, HttpMethod method, std::string_view path) {
  RouteMatch match;
  for (const Route& route : routes) {
    std::string_view argument;
    if (!matches(route.path, path, argument)) continue;
    if (answers(route, method)) {
      match.route = &route;
      match.path_argument = argument;
      return match;
    }
    append_allowed(match.allow, route.method);
  }
  return match;
}

}  // namespace quorate
