// UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace quorate {

// The length of the well-formed sequence at the beginning of `text`, or 0 if there is none.
std::size_t utf8_sequence_length(std::string_view text);

// True if the text is a row of such sequences.
bool is_utf8(std::string_view text);

}  // namespace quorate
