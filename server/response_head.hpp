// Writes the head of a response (RFC 9112 §4).
#pragma once

#include <string>
#include <string_view>

#include "server/http_message.hpp"

namespace quorate {

std::string_view reason_of(unsigned status);

// A chunk of a body that is sent in chunks is its size line, its bytes and an empty line (RFC 9112 §7.1).
std::string chunk_size_line(std::size_t bytes);
// The last chunk and the trailer fields.
std::string last_chunk(const BodyTrailers& trailers);

// Appends status line and header fields, with the empty line after them. `keep_alive`: the connection stays
// open.
void append_response_head(std::string& out, const HttpResponse& response, bool http_1_1, bool keep_alive);

}  // namespace quorate
