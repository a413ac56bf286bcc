// The header `traceparent` of W3C Trace Context, level 1, version 00: 00-TRACEID-PARENTID-FLAGS.
#pragma once

#include <string_view>

namespace quorate {

// False for what is to be ignored: another form or version, or ids of zeros.
bool is_trace_parent(std::string_view text);

// The trace id of what is_trace_parent(); empty of what is empty.
std::string_view trace_id_of(std::string_view trace_parent);

}  // namespace quorate
