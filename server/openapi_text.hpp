// The text of openapi.yaml, put into the binary when it is built.
#pragma once

#include <string_view>

namespace quorate {

extern const std::string_view kOpenApiText;

}  // namespace quorate
