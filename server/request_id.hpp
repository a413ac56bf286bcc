// X-Request-Id: the client's own, so that it finds its request in both logs, or one of ours.
#pragma once

#include <string>
#include <string_view>

namespace quorate {

// The given one if it is 1 to 128 visible ASCII characters, else a new one, unique among all processes. Any
// thread.
std::string choose_request_id(std::string_view given);

// True of 1 to 128 visible ASCII characters.
bool is_request_id(std::string_view text);

}  // namespace quorate
