#include "server/request_target.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace quorate {

namespace {

namespace urls = boost::urls;

// Most targets are a plain path, which needs no parser.
bool is_plain_path(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  for (const char c : target) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '_' || c == '.';
    if (!plain) return false;
  }
  return true;
}

std::unexpected<Error> bad_target() {
  return fail(
      ErrorCode::malformed_request,
      "The request target is not a valid URL path. Characters outside of ASCII, spaces and a literal % must "
      "be percent-encoded.");
}

}  // namespace

Result<void> parse_target(std::string_view target, HttpRequest& request) {
  if (is_plain_path(target)) {
    request.path.assign(target);
    return {};
  }
  const auto url = target.starts_with('/') ? urls::parse_origin_form(target) : urls::parse_uri(target);
  if (!url) return bad_target();
  const bool is_http =
      !url->has_scheme() || url->scheme_id() == urls::scheme::http || url->scheme_id() == urls::scheme::https;
  if (!is_http) return bad_target();
  request.path = url->encoded_path();
  if (request.path.empty()) request.path = "/";
  urls::encoding_opts with_plus_as_space;
  with_plus_as_space.space_as_plus = true;
  for (const auto& parameter : url->params(with_plus_as_space)) {
    request.query.push_back({.name = parameter.key, .value = parameter.value});
  }
  return {};
}

std::string percent_decoded(std::string_view encoded) {
  if (!encoded.contains('%')) return std::string(encoded);
  return urls::pct_string_view(encoded).decode();
}

}  // namespace quorate
