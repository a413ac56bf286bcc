#include "server/request_parser.hpp"

#include <algorithm>

#include <cstdint>

#include "server/request_target.hpp"
#include "server/router.hpp"

namespace quorate {

namespace http = boost::beast::http;

namespace {

// True if the field goes on in a further line (obs-fold, RFC 9112 section 5.2). Beast joins such lines without a word: the
// value then lies in a buffer of Beast's own instead of behind its name or, if the first line is empty, behind a line end.
bool is_folded(std::string_view name, std::string_view value, std::size_t max_header_bytes) {
  const char* const name_end = name.data() + name.size();
  const std::uintptr_t gap =
      reinterpret_cast<std::uintptr_t>(value.data()) - reinterpret_cast<std::uintptr_t>(name_end);
  return gap > max_header_bytes || std::string_view(name_end, gap).contains('\n');
}

}  // namespace

RequestParser::RequestParser(HttpRequest& request, BodyShare& share, const HttpLimits& limits)
    : request_(request), share_(share), limits_(limits), body_bytes_(limits.body_bytes) {
  eager(true);
  // Beast's limit is for one piece at a time; on_field_impl() counts all of them.
  header_limit(static_cast<std::uint32_t>(limits.header_bytes + limits.target_bytes));
  body_limit(body_bytes_);
}

RequestParser::Failure RequestParser::failure(const boost::beast::error_code& code) const {
  if (failure_) return *failure_;
  if (code == http::error::header_limit) {
    return {.problem = HttpProblem::header_too_large,
            .error = {.message =
                          "The header is longer than " + std::to_string(limits_.header_bytes) + " bytes."}};
  }
  if (code == http::error::body_limit) {
    return {.problem = {},
            .error = {.code = ErrorCode::limit_exceeded,
                      .message = "The body is larger than " + std::to_string(body_bytes_) + " bytes."}};
  }
  return {.problem = {},
          .error = {.code = ErrorCode::malformed_request,
                    .message = "The request is not valid HTTP: " + code.message() + "."}};
}

void RequestParser::refuse(std::string_view message, ErrorCodeRef code) {
  failure_ = Failure{.problem = {},
                     .error = {.code = ErrorCode::malformed_request, .message = std::string(message)}};
  code = http::error::bad_value;
}

void RequestParser::refuse(HttpProblem problem, std::string_view message, ErrorCodeRef code) {
  failure_ = Failure{.problem = problem, .error = {.message = std::string(message)}};
  code = http::error::bad_value;
}

void RequestParser::on_request_impl(http::verb, Text method, Text target, int version, ErrorCodeRef code) {
  request_.method = quorate::parse_method(method);
  request_.http_1_1 = version >= 11;
  if (target.size() > limits_.target_bytes) {
    return refuse(HttpProblem::target_too_long,
                  "The request target is longer than " + std::to_string(limits_.target_bytes) + " bytes.",
                  code);
  }
  request_.target = target;
  const std::string_view path = std::string_view(request_.target).substr(0, request_.target.find('?'));
  for (const Route& route : api_routes()) {
    if (route.method != request_.method || route.path != path) continue;
    is_upload_ = route.body == RouteBody::file || route.body == RouteBody::ndjson;
    if (is_upload_)
      body_bytes_ = route.body == RouteBody::file ? limits_.restore_bytes : limits_.ingest_bytes;
  }
  body_limit(body_bytes_);
}

void RequestParser::on_field_impl(http::field field, Text name, Text value, ErrorCodeRef code) {
  if (in_trailer_) return;  // fields after a chunked body mean nothing to us
  request_.headers.add(name, value);
  if (request_.headers.bytes() > limits_.header_bytes) {
    code = http::error::header_limit;
    return;
  }
  if (is_folded(name, value, limits_.header_bytes + limits_.target_bytes)) {
    return refuse("A header field goes on in a further line.", code);
  }
  check_field(field, value, code);
}

void RequestParser::check_field(http::field field, std::string_view value, ErrorCodeRef code) {
  switch (field) {
    case http::field::transfer_encoding:
      if (!request_.http_1_1) return refuse("HTTP/1.0 has no Transfer-Encoding.", code);
      if (!equal_ignoring_case(value, "chunked"))
        return refuse("The only Transfer-Encoding is chunked.", code);
      return;
    case http::field::content_length:
      if (++content_lengths_ > 1) return refuse("Content-Length is given more than once.", code);
      if (value.find_first_not_of("0123456789") != std::string_view::npos) {
        return refuse("Content-Length is not a number.", code);
      }
      return;
    case http::field::host:
      if (++hosts_ > 1) return refuse("Host is given more than once.", code);
      return;
    case http::field::expect:
      if (!equal_ignoring_case(value, "100-continue")) {
        return refuse(HttpProblem::expectation_failed, "Only \"Expect: 100-continue\" is known.", code);
      }
      expects_continue_ = request_.http_1_1;
      return;
    default: return;
  }
}

void RequestParser::on_header_impl(ErrorCodeRef code) {
  in_trailer_ = true;
  request_.keep_alive = keep_alive();
  if (request_.http_1_1 && hosts_ == 0) return refuse("An HTTP/1.1 request needs a Host header.", code);
  const Result<void> target = quorate::parse_target(request_.target, request_);
  if (!target) refuse(target.error().message, code);
}

void RequestParser::on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCodeRef) {}

std::size_t RequestParser::on_body_impl(Text body, ErrorCodeRef code) {
  // Room is taken for what has arrived, not for what was announced: announcing costs a client nothing.
  if (!share_.grow_to(request_.body.size() + body.size())) {
    failure_ = Failure{.problem = {},
                       .error = {.code = ErrorCode::overloaded,
                                 .message = "Too many large requests are being received at once."}};
    code = http::error::buffer_overflow;
    return 0;
  }
  request_.body.append(body.data(), body.size());
  return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text body, ErrorCodeRef code) {
  return on_body_impl(body, code);
}

}  // namespace quorate
