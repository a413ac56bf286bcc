#include "server/http_message.hpp"

#include <array>

namespace quorate {

namespace {

constexpr std::array<std::pair<HttpMethod, std::string_view>, 7> kMethods{{
    {HttpMethod::get, "GET"},
    {HttpMethod::head, "HEAD"},
    {HttpMethod::post, "POST"},
    {HttpMethod::put, "PUT"},
    {HttpMethod::patch, "PATCH"},
    {HttpMethod::del, "DELETE"},
    {HttpMethod::options, "OPTIONS"},
}};

// A connection that once sent a large body must not keep its memory while it idles.
constexpr std::size_t kKeptBodyBytes = 64UL * 1024;

}  // namespace

std::string_view to_string(HttpMethod method) {
  for (const auto& [known, text] : kMethods) {
    if (known == method) return text;
  }
  return "?";
}

HttpMethod parse_method(std::string_view text) {
  for (const auto& [method, known] : kMethods) {
    if (known == text) return method;
  }
  return HttpMethod::other;
}

const std::string* HttpRequest::find_query(std::string_view name) const {
  for (const QueryParameter& parameter : query) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

void HttpRequest::clear() {
  method = HttpMethod::other;
  http_1_1 = true;
  keep_alive = true;
  target.clear();
  path.clear();
  query.clear();
  path_arguments.clear();
  id.clear();
  headers.clear();
  context = {};
  route = nullptr;
  drop_body();
}

void HttpRequest::drop_body() {
  body.clear();
  if (body.capacity() > kKeptBodyBytes) body.shrink_to_fit();
}

}  // namespace quorate
