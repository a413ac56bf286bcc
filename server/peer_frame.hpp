// The stream of a connection between processes: frames of u32 length, u64 checksum (XXH3-64 of the payload)
// and payload, little-endian. A payload's first byte tells what it is: 0 a control, else a message
// (core/wire_codec.hpp). An empty payload is a ping.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/membership.hpp"

namespace quorate {

inline constexpr std::size_t kFrameHeadBytes = 12;

using FrameHead = std::array<char, kFrameHeadBytes>;
FrameHead frame_head(std::string_view payload);

// The sender's PeerHello::also is this now.
struct AlsoUpdate {
  std::vector<NodeId> nodes;
};
// The sender refuses this connection and closes it.
struct Goodbye {
  std::string code;
  std::string detail;
};
using PeerControl = std::variant<AlsoUpdate, Goodbye>;

bool is_control(std::string_view payload);
std::string encode(const PeerControl& control);
Result<PeerControl> decode_control(std::string_view payload);  // error: corrupt

// How many nodes one process may host beside its own.
inline constexpr std::size_t kMaxAlsoNodes = 16;

// A text from another process made fit for a log line: one line, not long.
std::string printable(std::string_view text);

// Cuts a stream into payloads. Not thread-safe. It never allocates for what has only been announced: the
// buffer is at most twice what has arrived, or 1 MiB.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_payload_bytes) : max_payload_bytes_(max_payload_bytes) {}

  // Room for the next bytes of the stream, never empty; commit() says how many have come. Ends the life of
  // payloads.
  std::span<char> prepare();
  void commit(std::size_t size) { end_ += size; }
  // Both for bytes that are at hand.
  void append(std::string_view bytes);

  // The next whole payload, valid until prepare(); nothing: more must come. After an error (corrupt: longer
  // than allowed, or the checksum is wrong) the stream cannot be read any further.
  Result<std::optional<std::string_view>> next();

 private:
  std::size_t held() const { return end_ - begin_; }
  std::size_t wanted_capacity() const;
  void make_room();

  const std::size_t max_payload_bytes_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // of what has not been handed out
  std::size_t end_ = 0;    // of what has arrived
};

}  // namespace quorate
