// Finds the handler of a request. Knows paths and methods only; routes.cpp has the table.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "server/http_message.hpp"

namespace quorate {

struct Services;

// Runs on the connection's strand. The services and the request outlive the coroutine.
using Handler = boost::asio::awaitable<Result<HttpResponse>> (*)(const Services& services,
                                                                 const HttpRequest& request);

// merge_patch: or plain JSON. file, ndjson: an upload of bytes, of lines, which the handler takes as it arrives
// (HttpRequest::upload).
enum class RouteBody { none, json, optional_json, merge_patch, file, ndjson };

struct Route {
  HttpMethod method;      // a route for GET answers HEAD too
  std::string_view path;  // a segment "{name}" stands for any one that is not empty
  Handler handler;
  RouteBody body;  // whether it takes one
};

struct RouteMatch {
  const Route* route = nullptr;             // null: see `allow`
  std::vector<std::string> path_arguments;  // what the {names} stand for, percent-encoded
  std::string allow;  // the methods that the path has, for 405; empty when there is no such path
};

// The path is percent-encoded.
RouteMatch find_route(std::span<const Route> routes, HttpMethod method, std::string_view path);

// All routes of the HTTP API, in the order of openapi.yaml.
std::span<const Route> api_routes();

}  // namespace quorate
