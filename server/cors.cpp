#include "server/cors.hpp"

#include <algorithm>

namespace quorate {
namespace {

constexpr const char* kRequestHeaders =
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent, tracestate, "
    "X-Request-Id";
constexpr const char* kResponseHeaders =
    "ETag, Location, Quorate-Index, X-Request-Id, Retry-After, Quorate-Rows";
constexpr const char* kMaxAgeSeconds = "600";

}  // namespace

bool CorsPolicy::is_preflight(const HttpRequest& request) const {
  return !origins_.empty() && request.method == HttpMethod::options &&
         !request.headers.find("Origin").empty() &&
         !request.headers.find("Access-Control-Request-Method").empty();
}

HttpResponse CorsPolicy::answer_preflight(std::string_view methods) {
  HttpResponse response{.status = 204};
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Allow-Headers", kRequestHeaders);
  response.headers.emplace_back("Access-Control-Max-Age", kMaxAgeSeconds);
  return response;
}

void CorsPolicy::complete(HttpResponse& response, const HttpRequest& request) const {
  if (origins_.empty()) return;
  // Also to requests without an origin, so that no cache gives their answers to one with.
  response.headers.emplace_back("Vary", "Origin");
  const std::string_view origin = request.headers.find("Origin");
  if (origin.empty()) return;
  const bool any = origins_.front() == "*";
  if (!any && std::ranges::find(origins_, origin) == origins_.end()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", kResponseHeaders);
}

}  // namespace quorate
