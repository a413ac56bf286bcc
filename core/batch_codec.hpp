// The bytes of log entries. Little-endian, fixed-width integers, length-prefixed strings; the first byte is the format's
// version. What decodes was written by us and is protected by the log's checksums, yet no input can do more than fail:
// every length is checked against what is left.
#pragma once

#include <string>
#include <string_view>

#include "core/transport.hpp"

namespace quorate {

// The payload of EntryKind::batch.
struct BatchRecord {
  BatchId id;
  ConsistencyMode mode = ConsistencyMode::quorum;  // under which it was decided
  Digest digest;                                   // the chained digest that every node must have after it
  Batch batch;
};

std::string encode(const BatchRecord& record);
Result<BatchRecord> decode_batch(std::string_view bytes);  // error: corrupt
// Reads the id alone.
Result<BatchId> decode_batch_id(std::string_view bytes);

// The payload of EntryKind::mode.
std::string encode_mode(ConsistencyMode mode);
Result<ConsistencyMode> decode_mode(std::string_view bytes);

// The payload of EntryKind::barrier.
struct BarrierRecord {
  std::uint64_t token = 0;
  NodeId requester;
  std::int64_t wall_clock_us = 0;  // when it was asked for: a node that replays it much later stays silent
};
std::string encode(const BarrierRecord& record);
Result<BarrierRecord> decode_barrier(std::string_view bytes);

// The payload of EntryKind::restore.
std::string encode(const RestoreRecord& record);
Result<RestoreRecord> decode_restore(std::string_view bytes);

}  // namespace quorate
