#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

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

TEST_CASE("an argument is one segment, anywhere in the path, and keeps its escapes") {
  using Arguments = std::vector<std::string>;
  static constexpr auto kRoutes = std::to_array<Route>({
      {HttpMethod::get, "/t/{table}", nullptr, RouteBody::none},
      {HttpMethod::get, "/t/{table}/rows", nullptr, RouteBody::none},
      {HttpMethod::patch, "/t/{table}/rows/{id}", nullptr, RouteBody::merge_patch},
      {HttpMethod::del, "/t/{table}/rows/{id}", nullptr, RouteBody::none},
  });
  CHECK(find_route(kRoutes, HttpMethod::get, "/t/a%2Fb").path_arguments == Arguments{"a%2Fb"});
  const RouteMatch rows = find_route(kRoutes, HttpMethod::get, "/t/a/rows");
  CHECK(rows.route == &kRoutes[1]);
  CHECK(rows.path_arguments == Arguments{"a"});
  const RouteMatch row = find_route(kRoutes, HttpMethod::patch, "/t/rows/rows/x%2Fy,1");
  CHECK(row.route == &kRoutes[2]);
  CHECK(row.path_arguments == Arguments{"rows", "x%2Fy,1"});
  CHECK(find_route(kRoutes, HttpMethod::post, "/t/t/rows/1").allow == "PATCH, DELETE");
  for (const char* const path : {"/t", "/t/", "/t//rows", "/t/a/rows/", "/t/a/rows/1/2", "/t/a/b", "t/a"}) {
    CAPTURE(path);
    CHECK(find_route(kRoutes, HttpMethod::get, path).route == nullptr);
    CHECK(find_route(kRoutes, HttpMethod::get, path).allow.empty());
  }
}

TEST_CASE("an escape in a path stands for its character, but a slash so written ends no segment") {
  CHECK(route(HttpMethod::get, "/%68ealthz").route == route(HttpMethod::get, "/healthz").route);
  CHECK(route(HttpMethod::get, "/v1%2Fcluster").route == nullptr);
  CHECK(route(HttpMethod::get, "/problems%2Finternal").route == nullptr);
}

TEST_CASE("a path matches whole") {
  CHECK(route(HttpMethod::get, "/problems/sql_error").path_arguments ==
        std::vector<std::string>{"sql_error"});
  for (const char* const path :
       {"", "/", "/healthz/", "/healthzz", "/problems/", "/problems", "/problems/a/b", "/HEALTHZ",
        "/v1/tables//rows", "/v1/tables/t/rows/", "/v1/tables/t/rows/1/2", "healthz"}) {
    CAPTURE(path);
    CHECK(route(HttpMethod::get, path).route == nullptr);
    CHECK(route(HttpMethod::get, path).allow.empty());
  }
}

}  // namespace quorate
