// Turns the bytes of a connection into HttpRequests. Beast's parser does the syntax (RFC 9112); on top of it
// everything is refused that two HTTP implementations could read differently, because that is how requests
// are smuggled.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <string_view>

#include "config/http_options.hpp"
#include "core/error.hpp"
#include "server/body_budget.hpp"
#include "server/http_message.hpp"
#include "server/problem.hpp"

namespace quorate {

// Parses one request; make a new one for the next. Used on the connection's strand only.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  // Fills `request`, which is empty. All three must outlive the parser.
  RequestParser(HttpRequest& request, BodyShare& share, const HttpLimits& limits);

  // Why parsing failed, in words for the client; only after put() gave an error other than need_more.
  struct Failure {
    std::optional<HttpProblem> problem;  // else `error`
    Error error;
  };
  Failure failure(const boost::beast::error_code& code) const;

  // True when the body is to be taken as it arrives (RouteBody::file and ndjson); known with the header.
  bool is_upload() const { return is_upload_; }

  // True when the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }

 private:
  using ErrorCodeRef = boost::beast::error_code&;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, Text method, Text target, int version,
                       ErrorCodeRef code) override;
  void on_response_impl(int, Text, int, ErrorCodeRef) override {}
  void on_field_impl(boost::beast::http::field field, Text name, Text value, ErrorCodeRef code) override;
  void on_header_impl(ErrorCodeRef code) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, ErrorCodeRef code) override;
  std::size_t on_body_impl(Text body, ErrorCodeRef code) override;
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCodeRef) override {}
  std::size_t on_chunk_body_impl(std::uint64_t remain, Text body, ErrorCodeRef code) override;
  void on_finish_impl(ErrorCodeRef) override {}

  void refuse(std::string_view message, ErrorCodeRef code);
  void refuse(HttpProblem problem, std::string_view message, ErrorCodeRef code);
  void check_field(boost::beast::http::field field, std::string_view value, ErrorCodeRef code);

  HttpRequest& request_;
  BodyShare& share_;
  const HttpLimits& limits_;
  std::uint64_t body_bytes_;  // the most that this request may have
  bool expects_continue_ = false;
  bool is_upload_ = false;
  bool in_trailer_ = false;
  int content_lengths_ = 0;
  int hosts_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace quorate
