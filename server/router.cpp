#include "server/router.hpp"

#include <algorithm>

#include "server/request_target.hpp"

namespace quorate {

namespace {

// Takes the first segment, with the slash before it, off the path.
std::string_view take_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

bool is_same_segment(std::string_view expected, std::string_view segment) {
  return segment.contains('%') ? percent_decoded(segment) == expected : segment == expected;
}

// The arguments are complete when the pattern matches.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string_view>& arguments) {
  arguments.clear();
  while (!pattern.empty() && path.starts_with('/')) {
    const std::string_view expected = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (!expected.starts_with('{')) {
      if (!is_same_segment(expected, segment)) return false;
    } else if (segment.empty()) {
      return false;
    } else {
      arguments.push_back(segment);
    }
  }
  return pattern.empty() && path.empty();
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
  std::vector<std::string_view> arguments;
  for (const Route& route : routes) {
    if (!matches(route.path, path, arguments)) continue;
    if (answers(route, method)) {
      match.route = &route;
      match.path_arguments.assign(arguments.begin(), arguments.end());
      return match;
    }
    append_allowed(match.allow, route.method);
  }
  return match;
}

}  // namespace quorate
