#include <doctest/doctest.h>

#include <string>

#include "server/router.hpp"

namespace quorate {
namespace {

RouteMatch route(HttpMethod method, std::string_view path) {
  return find_route(api_routes(), method, path);
}

}  // namespace

TEST_CASE("a route is found by method and path") {
  REQUIRE(route(HttpMethod::post, "/v1/query").route != nullptr);
  REQUIRE(route(HttpMethod::get, "/v1/query").route != nullptr);
  CHECK(route(HttpMethod::post, "/v1/query").route != route(HttpMethod::get, "/v1/query").route);
  CHECK(route(HttpMethod::post, "/v1/transactions").route->body == RouteBody::json);
}

TEST_CASE("HEAD is answered wherever GET is") {
  CHECK(route(HttpMethod::head, "/healthz").route == route(HttpMethod::get, "/healthz").route);
  CHECK(route(HttpMethod::head, "/v1/transactions").route == nullptr);
}

TEST_CASE("a path without the method tells which it has") {
  CHECK(route(HttpMethod::del, "/v1/query").allow == "POST, GET, HEAD");
  CHECK(route(HttpMethod::other, "/v1/cluster/mode").allow == "PUT");
  CHECK(route(HttpMethod::get, "/nothing").allow.empty());
}

TEST_CASE("a path matches whole, and its argument is one segment") {
  CHECK(route(HttpMethod::get, "/problems/sql_error").path_argument == "sql_error");
  for (const char* const path :
       {"", "/", "/healthz/", "/healthzz", "/problems/", "/problems", "/problems/a/b", "/HEALTHZ"}) {
    CAPTURE(path);
    CHECK(route(HttpMethod::get, path).route == nullptr);
    CHECK(route(HttpMethod::get, path).allow.empty());
  }
}

}  // namespace quorate
