#include "server/peer_frame.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/bytes.hpp"
#include "xxhash.h"

namespace quorate {
namespace {

constexpr std::size_t kReadBytes = 128UL * 1024;
constexpr std::size_t kMinRoomBytes = 16UL * 1024;
constexpr std::size_t kStepBytes = 1024UL * 1024;
constexpr std::size_t kMaxPrintedBytes = 300;

constexpr std::uint8_t kControl = 0;
enum class ControlKind : std::uint8_t { also = 1, goodbye = 2 };

std::uint64_t checksum_of(std::string_view payload) {
  return XXH3_64bits(payload.data(), payload.size());
}

std::unexpected<Error> damaged() {
  return fail(ErrorCode::corrupt, "a control frame is damaged");
}

}  // namespace

FrameHead frame_head(std::string_view payload) {
  FrameHead head;
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::uint64_t checksum = checksum_of(payload);
  std::memcpy(head.data(), &size, sizeof(size));
  std::memcpy(head.data() + sizeof(size), &checksum, sizeof(checksum));
  return head;
}

bool is_control(std::string_view payload) {
  return !payload.empty() && static_cast<std::uint8_t>(payload[0]) == kControl;
}

std::string encode(const PeerControl& control) {
  Encoder out;
  out.put(kControl);
  if (const auto* also = std::get_if<AlsoUpdate>(&control)) {
    out.put(static_cast<std::uint8_t>(ControlKind::also));
    out.put(static_cast<std::uint32_t>(also->nodes.size()));
    for (const NodeId& node : also->nodes) out.put(std::string_view(node));
  }
  if (const auto* goodbye = std::get_if<Goodbye>(&control)) {
    out.put(static_cast<std::uint8_t>(ControlKind::goodbye));
    out.put(std::string_view(goodbye->code));
    out.put(std::string_view(goodbye->detail));
  }
  return out.take();
}

Result<PeerControl> decode_control(std::string_view payload) {
  Decoder in(payload);
  if (in.get<std::uint8_t>() != kControl) return damaged();
  PeerControl control;
  switch (static_cast<ControlKind>(in.get<std::uint8_t>())) {
    case ControlKind::also: {
      AlsoUpdate also;
      const std::uint32_t count = in.get_count(sizeof(std::uint32_t));
      if (count > kMaxAlsoNodes) return damaged();
      for (std::uint32_t i = 0; i < count; ++i) {
        also.nodes.push_back(in.get_string());
        if (!is_node_id(also.nodes.back())) in.refuse();
      }
      control = std::move(also);
      break;
    }
    case ControlKind::goodbye: {
      std::string code = in.get_string();
      control = Goodbye{.code = std::move(code), .detail = in.get_string()};
      break;
    }
    default: in.refuse();
  }
  if (in.failed() || !in.at_end()) return damaged();
  return control;
}

std::string printable(std::string_view text) {
  std::string line(text.substr(0, kMaxPrintedBytes));
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return line;
}

std::size_t FrameReader::wanted_capacity() const {
  if (held() < kFrameHeadBytes) return kReadBytes;
  std::uint32_t size = 0;
  std::memcpy(&size, buffer_.get() + begin_, sizeof(size));
  const std::size_t frame = kFrameHeadBytes + size;
  if (held() >= frame) return std::max(kReadBytes, 2 * held());  // it could be taken, and is not
  if (frame <= kReadBytes || size > max_payload_bytes_) return kReadBytes;
  return std::min(frame, std::max(kStepBytes, 2 * held()));
}

std::span<char> FrameReader::prepare() {
  if (held() == 0) {
    begin_ = end_ = 0;
    if (capacity_ > kStepBytes) capacity_ = 0;  // one long message is no reason to keep so much
  }
  // Bytes are moved only when what was handed out makes up for it, or when there is no room at all.
  const std::size_t room = capacity_ - end_;
  if (room == 0 || (room < kMinRoomBytes && begin_ >= held())) make_room();
  return {buffer_.get() + end_, capacity_ - end_};
}

void FrameReader::make_room() {
  const std::size_t wanted = std::max(wanted_capacity(), held() + 1);
  if (capacity_ < wanted) {
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (held() != 0) std::memcpy(larger.get(), buffer_.get() + begin_, held());
    buffer_ = std::move(larger);
    capacity_ = wanted;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held());
  }
  end_ -= begin_;
  begin_ = 0;
}

void FrameReader::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> room = prepare();
    const std::size_t size = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), size);
    commit(size);
    bytes.remove_prefix(size);
  }
}

Result<std::optional<std::string_view>> FrameReader::next() {
  if (held() < kFrameHeadBytes) return std::nullopt;
  const char* head = buffer_.get() + begin_;
  std::uint32_t size = 0;
  std::uint64_t checksum = 0;
  std::memcpy(&size, head, sizeof(size));
  std::memcpy(&checksum, head + sizeof(size), sizeof(checksum));
  if (size > max_payload_bytes_) {
    return fail(ErrorCode::corrupt, "it announced a message of " + std::to_string(size) +
                                        " bytes, and the limit is " + std::to_string(max_payload_bytes_));
  }
  if (held() - kFrameHeadBytes < size) return std::nullopt;
  const std::string_view payload(head + kFrameHeadBytes, size);
  if (checksum_of(payload) != checksum) {
    return fail(ErrorCode::corrupt, "a message from it was damaged on the way (the checksum is wrong)");
  }
  begin_ += kFrameHeadBytes + size;
  return payload;
}

}  // namespace quorate
