// The HTTP API without the HTTP: from a request to its response. All that holds for every response is here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "server/http_message.hpp"
#include "server/problem.hpp"
#include "server/request_log.hpp"
#include "server/services.hpp"

namespace quorate {

class Api {
 public:
  // The services must outlive it.
  explicit Api(const Services& services) : services_(services) {}

  // Answers one request; errors, exceptions of a handler included, are problem responses. Any number may run
  // at once, each on its connection's strand. The request must outlive the coroutine.
  boost::asio::awaitable<HttpResponse> handle(HttpRequest& request) const;

  // For a request that never became one: a broken header, a body that is too large, a time that ran out.
  HttpResponse reject(HttpRequest& request, const Error& error) const;
  HttpResponse reject(HttpRequest& request, HttpProblem problem, std::string_view detail) const;

  // Logs and counts what has been answered. The request still has its context and route.
  void note(const AnsweredRequest& answered) const;

  HttpMetrics& metrics() const { return services_.metrics; }

 private:
  boost::asio::awaitable<HttpResponse> answer(HttpRequest& request) const;
  static void begin(HttpRequest& request);
  void complete(HttpResponse& response, const HttpRequest& request) const;

  const Services& services_;
};

}  // namespace quorate
