// Which web pages of other origins may use the API from a browser (the CORS protocol of the Fetch standard). Off unless
// origins are configured.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_message.hpp"

namespace quorate {

class CorsPolicy {
 public:
  // Exact origins ("https://app.example"), or "*" alone for all.
  explicit CorsPolicy(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // True for the question that a browser asks before a request that is not simple.
  bool is_preflight(const HttpRequest& request) const;
  // Its answer; `methods` are those of the path.
  static HttpResponse answer_preflight(std::string_view methods);

  // Adds what lets the page read the response, if its origin may.
  void complete(HttpResponse& response, const HttpRequest& request) const;

 private:
  std::vector<std::string> origins_;
};

}  // namespace quorate
