#include "server/peer_send_queue.hpp"

#include <iterator>
#include <utility>

namespace quorate {
namespace {

constexpr std::size_t kShortFrameBytes = 4UL * 1024;  // up to here copying is cheaper than two more buffers
constexpr std::size_t kGatheredBytes = 64UL * 1024;
constexpr std::size_t kTakeBytes = 1024UL * 1024;
constexpr std::size_t kTakeChunks = 32;  // of two buffers each: Asio passes 64 to the system at once

}  // namespace

bool PeerSendQueue::is_full(Lane lane) const {
  const LaneState& state = lanes_[static_cast<std::size_t>(lane)];
  return state.bytes != 0 && state.bytes + kFrameHeadBytes > state.limit;
}

bool PeerSendQueue::put(Lane lane, const FrameHead& head, std::string payload) {
  LaneState& state = lanes_[static_cast<std::size_t>(lane)];
  if (state.bytes != 0 && state.bytes + head.size() + payload.size() > state.limit) return false;
  append(state, head, std::move(payload));
  return true;
}

void PeerSendQueue::put_always(const FrameHead& head, std::string payload) {
  append(lanes_[static_cast<std::size_t>(Lane::normal)], head, std::move(payload));
}

void PeerSendQueue::put_rest(const FrameHead& head, std::string_view payload, std::size_t sent) {
  std::string rest(head.data(), head.size());
  rest.append(payload).erase(0, sent);
  LaneState& state = lanes_[static_cast<std::size_t>(Lane::normal)];
  state.bytes += rest.size();
  state.chunks.push_back({.head = std::move(rest)});
}

void PeerSendQueue::append(LaneState& state, const FrameHead& head, std::string payload) {
  const std::size_t size = head.size() + payload.size();
  state.bytes += size;
  if (size > kShortFrameBytes) {
    state.chunks.push_back({.head = std::string(head.data(), head.size()), .body = std::move(payload)});
    return;
  }
  const bool fits = !state.chunks.empty() && state.chunks.back().body.empty() &&
                    state.chunks.back().head.size() + size <= kGatheredBytes;
  if (!fits) state.chunks.emplace_back();
  state.chunks.back().head.append(head.data(), head.size()).append(payload);
}

std::vector<PeerSendQueue::Chunk> PeerSendQueue::take() {
  std::vector<Chunk> taken;
  std::size_t bytes = 0;
  for (LaneState& state : lanes_) {
    while (!state.chunks.empty() && taken.size() < kTakeChunks) {
      const std::size_t size = state.chunks.front().size();
      if (bytes != 0 && bytes + size > kTakeBytes) return taken;
      bytes += size;
      state.bytes -= size;
      taken.push_back(std::move(state.chunks.front()));
      state.chunks.pop_front();
    }
  }
  return taken;
}

void PeerSendQueue::clear() {
  for (LaneState& state : lanes_) {
    state.chunks.clear();
    state.bytes = 0;
  }
}

}  // namespace quorate
