#include "server/response_head.hpp"

#include <array>
#include <charconv>
#include <ctime>

#include "server/json_writer.hpp"

namespace quorate {

namespace {

constexpr unsigned kNoContent = 204;
constexpr unsigned kNotModified = 304;

// The Date field (RFC 9110 §6.6.1), made once a second.
std::string_view current_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    made_at = now;
  }
  return {text.data(), size};
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "";  // the reason may be empty
  }
}

std::string chunk_size_line(std::size_t bytes) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

std::string last_chunk(const BodyTrailers& trailers) {
  std::string out = "0\r\n";
  for (const auto& [name, value] : trailers) append_field(out, name, value);
  return out + "\r\n";
}

void append_response_head(std::string& out, const HttpResponse& response, bool http_1_1, bool keep_alive) {
  out += "HTTP/1.1 ";
  append_json_integer(out, std::uint64_t{response.status});
  out.append(" ").append(reason_of(response.status)).append("\r\n");
  append_field(out, "Date", current_date());
  // RFC 9110 §8.6: with 204 and 304 there is no content whose length could be told.
  const bool has_content = response.status != kNoContent && response.status != kNotModified;
  if (has_content) append_field(out, "Content-Type", response.content_type);
  if (response.stream) {
    append_field(out, "Transfer-Encoding", "chunked");
  } else if (has_content) {
    out += "Content-Length: ";
    append_json_integer(out, std::uint64_t{response.body.size()});
    out += "\r\n";
  }
  if (response.index) {
    out += "Quorate-Index: ";
    append_json_integer(out, *response.index);
    out += "\r\n";
  }
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  if (!keep_alive) {
    append_field(out, "Connection", "close");
  } else if (!http_1_1) {
    append_field(out, "Connection", "keep-alive");
  }
  out += "\r\n";
}

}  // namespace quorate
