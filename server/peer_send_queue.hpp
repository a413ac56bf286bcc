// What waits to be sent over one connection between processes: two lanes, each with a limit, past which a
// message is dropped. Not thread-safe.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "server/peer_frame.hpp"
#include "server/peer_options.hpp"

namespace quorate {

class PeerSendQueue {
 public:
  // Pieces of snapshots are bulk: they go when nothing else waits.
  enum class Lane : std::size_t { normal, bulk };

  // Whole frames. Short ones are gathered in `head`; a long one has its own head and its payload as `body`.
  struct Chunk {
    std::string head;
    std::string body = {};
    std::size_t size() const { return head.size() + body.size(); }
  };

  explicit PeerSendQueue(const PeerLimits& limits)
      : lanes_{LaneState{.limit = limits.queue_bytes}, LaneState{.limit = limits.bulk_queue_bytes}} {}

  // False: there is no room, the payload was dropped. An empty lane takes a payload of any size, so that one
  // that is larger than the limit passes at all.
  bool put(Lane lane, const FrameHead& head, std::string payload);
  // In the normal lane and past its limit: for controls, which are few and short.
  void put_always(const FrameHead& head, std::string payload);
  // What is left of a frame whose first `sent` bytes have gone already. Likewise, and precondition: nothing waits.
  void put_rest(const FrameHead& head, std::string_view payload, std::size_t sent);
  // True: put() is sure to drop.
  bool is_full(Lane lane) const;
  std::size_t bytes(Lane lane) const { return lanes_[static_cast<std::size_t>(lane)].bytes; }

  // Takes up to 1 MiB, and up to as many buffers as one system call takes; a single chunk may be larger.
  // Empty: nothing waits.
  std::vector<Chunk> take();
  void clear();

 private:
  struct LaneState {
    std::size_t limit = 0;
    std::size_t bytes = 0;
    std::deque<Chunk> chunks = {};
  };
  static void append(LaneState& state, const FrameHead& head, std::string payload);

  std::array<LaneState, 2> lanes_;
};

}  // namespace quorate
