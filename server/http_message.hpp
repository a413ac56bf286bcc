// One HTTP request and one response as values: what the router and the handlers see. No networking in here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/request_context.hpp"
#include "server/body_source.hpp"
#include "server/body_stream.hpp"
#include "server/header_map.hpp"

namespace quorate {

struct Route;  // server/router.hpp

enum class HttpMethod { get, head, post, put, patch, del, options, other };

std::string_view to_string(HttpMethod method);  // "GET", ...; "?" for other
HttpMethod parse_method(std::string_view text);

struct QueryParameter {
  std::string name;
  std::string value;
};

struct HttpRequest {
  HttpMethod method = HttpMethod::get;
  bool http_1_1 = true;                     // else HTTP/1.0
  bool keep_alive = true;                   // what the client asks for
  std::string target;                       // as it was sent
  std::string path;                         // without the query; percent-encoded
  std::vector<QueryParameter> query;        // percent-decoded, in their order
  std::vector<std::string> path_arguments;  // what the route's {names} stand for, percent-encoded
  HeaderMap headers;
  std::string body;
  RequestContext context;        // once it is being answered
  const Route* route = nullptr;  // likewise, if there is one
  BodySource* upload = nullptr;  // the body instead, for RouteBody::file and ndjson

  // The first query parameter of that name, or nothing.
  const std::string* find_query(std::string_view name) const;

  // Makes it ready for the next request of the connection; keeps allocated memory unless it is large.
  void clear();
  void drop_body();  // the body's part of that
};

// What a problem response says, for logs.
struct ProblemNote {
  std::string_view code;
  Outcome outcome;
};

struct HttpResponse {
  unsigned status = 200;
  std::string_view content_type = "application/json";  // a literal
  std::vector<std::pair<std::string_view, std::string>> headers = {};
  std::optional<std::uint64_t> index = {};  // Quorate-Index; without one, the index applied when it is sent
  std::string body = {};
  std::unique_ptr<BodyStream> stream = {};  // the body instead, if there is one
  std::optional<ProblemNote> problem = {};  // if it is one
  bool close = false;                       // end the connection after it
};

}  // namespace quorate
