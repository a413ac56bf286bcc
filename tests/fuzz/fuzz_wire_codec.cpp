// Any bytes: they do not decode, or what they decode to is kept by encoding and decoding it.
#include <cstdlib>

#include "core/wire_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = quorate::decode_message({reinterpret_cast<const char*>(data), size});
  if (!decoded) {
    if (decoded.error().code != quorate::ErrorCode::corrupt) std::abort();
    return 0;
  }
  const std::string bytes = encode(*decoded);
  const auto again = quorate::decode_message(bytes);
  if (!again || encode(*again) != bytes) std::abort();
  return 0;
}
