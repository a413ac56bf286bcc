// Content negotiation: which of the media types that there are does the client like best (RFC 9110 §12.5.1)?
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace quorate {

// The position of one of `offered` ("text/csv", in lower case), or nothing if `accept` admits none of them. An empty
// `accept` admits everything. Between types that are liked equally the one decides that is named more exactly ("*/*" is
// the least), and then the order of `offered`. Elements that are not well-formed are ignored. Of a range's parameters
// only `q` and `charset`, which must be utf-8, are looked at.
std::optional<std::size_t> choose_media(std::string_view accept, std::span<const std::string_view> offered);

}  // namespace quorate
