#include <doctest/doctest.h>

#include <boost/beast/http/error.hpp>
#include <random>
#include <string>

#include "server/request_parser.hpp"
#include "server/response_head.hpp"

namespace quorate {
namespace {

struct Parsed {
  HttpRequest request;
  bool done = false;
  bool failed = false;
  RequestParser::Failure failure;
};

// Feeds the text in pieces of that size, as a connection would.
Parsed parse(std::string_view text, std::size_t piece = 1'000'000, HttpLimits limits = {}) {
  Parsed result;
  BodyBudget budget(limits.body_memory_bytes);
  BodyShare share(budget);
  RequestParser parser(result.request, share, limits);
  std::string pending;
  while (!parser.is_done() && !text.empty()) {
    pending += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
    boost::beast::error_code code;
    pending.erase(0, parser.put(boost::asio::const_buffer(pending.data(), pending.size()), code));
    if (code && code != boost::beast::http::error::need_more) {
      result.failed = true;
      result.failure = parser.failure(code);
      return result;
    }
  }
  result.done = parser.is_done();
  return result;
}

const std::string kPost =
    "POST /v1/query?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Name:  value \r\n\r\nhello";

}  // namespace

TEST_CASE("a request is parsed, in whatever pieces it comes") {
  for (std::size_t piece = 1; piece <= kPost.size(); ++piece) {
    const Parsed parsed = parse(kPost, piece);
    CAPTURE(piece);
    REQUIRE(parsed.done);
    CHECK(parsed.request.method == HttpMethod::post);
    CHECK(parsed.request.path == "/v1/query");
    CHECK(*parsed.request.find_query("a") == "b");
    CHECK(parsed.request.headers.find("x-NAME") == "value");
    CHECK(parsed.request.headers.find("absent").empty());
    CHECK(parsed.request.body == "hello");
    CHECK(parsed.request.keep_alive);
  }
}

TEST_CASE("chunks are joined, and trailers ignored") {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nHost: y\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const Parsed parsed = parse(text, piece);
    CAPTURE(piece);
    REQUIRE(parsed.done);
    CHECK(parsed.request.body == "hello");
    CHECK(parsed.request.headers.find("Host") == "x");
  }
}

TEST_CASE("a field that goes on in a further line is refused, in whatever pieces it comes") {
  for (const std::string field :
       {"X: y\r\n z", "X: y\r\n\tContent-Length: 5", "X:\r\n y", "Transfer-Encoding:\r\n chunked"}) {
    const std::string text = "POST / HTTP/1.1\r\nHost: x\r\n" + field + "\r\n\r\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      const Parsed parsed = parse(text, piece);
      CAPTURE(text);
      CAPTURE(piece);
      CHECK(!parsed.done);
      CHECK(parsed.failure.error.code == ErrorCode::malformed_request);
    }
  }
}

TEST_CASE("limits are errors of their own") {
  const HttpLimits limits{.body_bytes = 10, .header_bytes = 60, .target_bytes = 20};
  const auto problem = [&](const std::string& text) {
    const Parsed parsed = parse(text, 7, limits);
    REQUIRE(parsed.failed);
    return parsed.failure;
  };
  CHECK(problem("GET /" + std::string(20, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n").problem ==
        HttpProblem::target_too_long);
  CHECK(problem("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100, 'x') + "\r\n\r\n").problem ==
        HttpProblem::header_too_large);
  CHECK(problem("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(30, 'x') + "\r\nB: " + std::string(30, 'x') +
                "\r\n\r\n")
            .problem == HttpProblem::header_too_large);
  CHECK(problem("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n").error.code ==
        ErrorCode::limit_exceeded);
  CHECK(problem("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n")
            .error.code == ErrorCode::limit_exceeded);
  CHECK(problem("GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n").problem == HttpProblem::expectation_failed);
}

TEST_CASE("bodies take of the shared budget only what they are") {
  HttpLimits limits;
  limits.body_memory_bytes = 1024 * 1024;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n";
  CHECK_FALSE(parse(head + std::string(1'000'000, ' '), 100'000, limits).failed);
  const Parsed parsed = parse(head + std::string(1'500'000, ' '), 100'000, limits);
  REQUIRE(parsed.failed);
  CHECK(parsed.failure.error.code == ErrorCode::overloaded);

  BodyBudget budget(1024 * 1024);
  BodyShare first(budget);
  BodyShare second(budget);
  CHECK(first.grow_to(800'000));
  CHECK_FALSE(second.grow_to(800'000));
  CHECK(second.grow_to(1'000));  // small bodies are free
  first.release();
  CHECK(second.grow_to(800'000));
}

TEST_CASE("no input makes the parser crash or take what it should not") {
  std::mt19937_64 chance(11);
  const std::string alphabet =
      "\r\n:;, 05aF/?%POSTGEHhunkedTransfer-Encoding: chunked\r\nContent-Length: \x01\x80\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = kPost;
    for (std::size_t edits = chance() % 8; edits != 0; --edits) {
      const std::size_t at = chance() % text.size();
      if (chance() % 2 == 0) {
        text[at] = alphabet[chance() % alphabet.size()];
      } else {
        text.insert(at, alphabet, chance() % alphabet.size(), chance() % 20);
      }
    }
    const Parsed parsed = parse(text, 1 + chance() % 50);
    if (parsed.done) CHECK(parsed.request.headers.count("Content-Length") <= 1);
    if (parsed.failed) CHECK_FALSE(parsed.failure.error.message.empty());
  }
}

TEST_CASE("a response's head") {
  HttpResponse response{.status = 404, .headers = {{"X-Request-Id", "r"}}, .index = 7, .body = "hello"};
  std::string head;
  append_response_head(head, response, true, true);
  CHECK(head.starts_with("HTTP/1.1 404 Not Found\r\nDate: "));
  CHECK(
      head.ends_with(" GMT\r\nContent-Type: application/json\r\nContent-Length: 5\r\nQuorate-Index: 7\r\n"
                     "X-Request-Id: r\r\n\r\n"));
  head.clear();
  append_response_head(head, response, true, false);
  CHECK(head.ends_with("Connection: close\r\n\r\n"));
  head.clear();
  append_response_head(head, response, false, true);
  CHECK(head.ends_with("Connection: keep-alive\r\n\r\n"));
}

}  // namespace quorate
