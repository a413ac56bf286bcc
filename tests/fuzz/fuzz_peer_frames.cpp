// Any stream of frames, cut anywhere. The first byte of the input says how: the stream comes out the same,
// however it is cut, and no buffer is much larger than what has arrived.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire_codec.hpp"
#include "server/peer_frame.hpp"

namespace {

constexpr std::size_t kMaxPayloadBytes = 16'000;

struct Outcome {
  std::vector<std::string> payloads;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view stream, std::size_t step) {
  quorate::FrameReader reader(kMaxPayloadBytes);
  Outcome outcome;
  while (!outcome.failed && !stream.empty()) {
    reader.append(stream.substr(0, step));
    stream.remove_prefix(std::min(step, stream.size()));
    auto payload = reader.next();
    for (; payload && *payload; payload = reader.next()) outcome.payloads.emplace_back(**payload);
    outcome.failed = !payload;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(stream, stream.size() + 1);
  if (read(stream, 1UL + data[0]) != whole) std::abort();
  for (const std::string& payload : whole.payloads) {
    if (quorate::is_control(payload)) {
      const auto control = quorate::decode_control(payload);
      if (control && encode(*control) != payload) std::abort();
    } else {
      (void)quorate::decode_message(payload);
    }
  }
  return 0;
}

// A mutated payload has another checksum: it is put right now and then, or nothing would get past the first
// frame.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 == 0) return size;
  std::size_t at = 1;
  while (size >= at + quorate::kFrameHeadBytes) {
    std::uint32_t length = 0;
    std::memcpy(&length, data + at, sizeof(length));
    char* const head = reinterpret_cast<char*>(data) + at;
    const std::size_t room = size - at - quorate::kFrameHeadBytes;
    if (length > room) length = static_cast<std::uint32_t>(room);
    const quorate::FrameHead right = quorate::frame_head({head + quorate::kFrameHeadBytes, length});
    std::memcpy(head, right.data(), right.size());
    at += quorate::kFrameHeadBytes + length;
  }
  return size;
}
