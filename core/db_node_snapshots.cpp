// Snapshots between nodes (design §6): lending pieces of one to a node that needs it, and receiving one. What has been
// received completely is installed when the node is opened again.
#include <algorithm>
#include <utility>

#include "core/db_node.hpp"
#include "core/piece_compression.hpp"

namespace quorate {
namespace {

constexpr std::uint64_t kMaxPieceBytes = 1024UL * 1024;  // sent in one message
constexpr std::uint64_t kPiecesAsked = 16;               // under way at once
constexpr std::int64_t kAskAgainUs = 300'000;            // without an answer
constexpr std::int64_t kStalledUs = 5'000'000;           // then another source is tried
constexpr std::int64_t kLentIdleUs = 60'000'000;         // then the lent snapshot is removed
constexpr std::int64_t kAfterFailureUs = 1'000'000;

}  // namespace

Result<void> DbNode::install_snapshot(Options& options) {
  const auto file = options.snapshots->completed();
  if (!file) return {};
  if (auto restored = options.engine->restore(*file); !restored) {
    // The file was verified; what cannot be restored now never will be. The node fetches another.
    if (restored.error().code == ErrorCode::corrupt) return options.snapshots->remove_completed();
    return restored;
  }
  const auto meta = options.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  const auto stored = options.log->load();
  if (!stored) return std::unexpected(stored.error());
  if (auto done = options.log->install((*meta)->applied, (*meta)->membership); !done) return done;
  if (options.broken == Rule::keep_promises_on_install) {
    const HardState forgetful{.term = (*meta)->applied.term, .voted_for = {}};
    if (auto done = options.log->write({.hard_state = forgetful}); !done) return done;
  }
  options.repair = false;
  return options.snapshots->remove_completed();
}

void DbNode::on_snapshot_wanted(NodeId leader, SnapshotOffer offer) {
  options_.writer.post([this, leader = std::move(leader), at_least = offer.base.index] {
    if (!stopped_ && is_up()) fetch_snapshot(leader, at_least);
  });
}

void DbNode::fetch_snapshot(const NodeId& source, Index at_least) {
  const std::int64_t now = options_.writer.now_us();
  if (fetch_ && now - fetch_->progress_us < kStalledUs) {
    fetch_->at_least = std::max(fetch_->at_least, at_least);
    // Only who leads keeps its log for those to whom it lends. Of a former leader one snapshot after the other would be too
    // old before it is here.
    const bool is_too_old = fetch_->info && fetch_->info->position.index < at_least;
    if (fetch_->source == source || !is_too_old) return;
  }
  if (now < fetch_not_before_us_) return;
  fetch_ = Fetch{.source = source,
                 .token = options_.writer.random(),
                 .at_least = at_least,
                 .asked_us = now,
                 .progress_us = now,
                 .began_us = now};
  if (auto begun = options_.snapshots->incoming(); begun && begun->first.position.index >= at_least) {
    fetch_->info = begun->first;
    fetch_->received = fetch_->began_at = begun->second;
    // The process ended after the last piece had come, and before the snapshot was complete.
    if (fetch_->received == fetch_->info->total_bytes) return finish_fetch();
  }
  detail_ = "It fetches a snapshot from node " + source + ".";
  publish();
  request_pieces();
}

void DbNode::request_pieces() {
  const std::int64_t now = options_.writer.now_us();
  const std::uint64_t piece_bytes = options_.limits.snapshot_piece_bytes;
  SnapshotRequest request{.token = fetch_->token,
                          .at_least = fetch_->at_least,
                          .max_bytes = piece_bytes,
                          .compressed = options_.limits.snapshot_compression};
  if (!fetch_->info) {
    fetch_->asked_us = now;
    return send(fetch_->source, std::move(request));
  }
  request.name = fetch_->info->name;
  std::uint64_t end = std::min(fetch_->info->total_bytes, fetch_->received + kPiecesAsked * piece_bytes);
  if (const std::uint64_t rate = options_.limits.snapshot_bytes_per_second; rate != 0) {
    const auto elapsed_us = static_cast<std::uint64_t>(now - fetch_->began_us);
    end = std::min(end, fetch_->began_at + piece_bytes + elapsed_us * rate / 1'000'000);
  }
  fetch_->requested = std::max(fetch_->requested, fetch_->received);
  while (fetch_->requested < end) {
    request.offset = fetch_->requested;
    fetch_->asked_us = now;
    send(fetch_->source, request);
    fetch_->requested += std::min<std::uint64_t>(piece_bytes, fetch_->info->total_bytes - request.offset);
  }
}

// Asks again for what has not come, and for what the rate allows by now.
void DbNode::tend_fetch() {
  if (lent_ && options_.writer.now_us() - lent_->used_us > kLentIdleUs) {
    lent_.reset();
    options_.snapshots->forget();
  }
  if (!fetch_) return;
  const std::int64_t now = options_.writer.now_us();
  // It may be that the log has brought what was missing after all.
  const bool is_needless = is_running() && applied_.index >= fetch_->at_least;
  if (is_needless || now - fetch_->progress_us >= kStalledUs) {
    fetch_.reset();
    if (is_needless) options_.snapshots->drop_incoming();
    return;
  }
  if (now - fetch_->asked_us >= kAskAgainUs) fetch_->requested = fetch_->received;
  if (fetch_->info || now - fetch_->asked_us >= kAskAgainUs) request_pieces();
}

void DbNode::repair_if_possible() {
  if (state_ != NodeState::repairing || fetch_) return;
  const NodeId& leader = leadership_.leader;
  if (!leader.empty() && leader != id()) fetch_snapshot(leader, driver_->view().base);
}

void DbNode::abandon_fetch(const Error& why) {
  detail_ = "A snapshot could not be received: " + why.message;
  fetch_not_before_us_ = options_.writer.now_us() + kAfterFailureUs;
  fetch_.reset();
  publish();
}

void DbNode::handle(const NodeId& from, SnapshotPiece& piece) {
  if (!fetch_ || from != fetch_->source || piece.token != fetch_->token) return;
  if (piece.refusal) return abandon_fetch(*piece.refusal);
  const std::int64_t now = options_.writer.now_us();
  if (piece.name.empty()) {  // it is being made
    fetch_->progress_us = now;
    return;
  }
  const SnapshotInfo info{.name = piece.name,
                          .position = piece.position,
                          .total_bytes = piece.total_bytes,
                          .digest = piece.digest};
  if (!fetch_->info || *fetch_->info != info) {
    if (piece.offset != 0 || info.position.index < fetch_->at_least) return;
    if (auto begun = options_.snapshots->begin(info); !begun) return abandon_fetch(begun.error());
    fetch_->info = info;
    fetch_->received = fetch_->requested = fetch_->began_at = 0;
    fetch_->early.clear();
    fetch_->began_us = now;
  }
  if (piece.offset < fetch_->received || piece.bytes.empty() || fetch_->early.size() > kPiecesAsked) return;
  const std::size_t max_bytes = options_.limits.snapshot_piece_bytes;
  if (piece.compressed) {
    auto bytes = decompress_piece(piece.bytes, max_bytes);
    if (!bytes) return abandon_fetch(bytes.error());
    piece.bytes = std::move(*bytes);
  }
  if (piece.bytes.size() > max_bytes)
    return abandon_fetch({.code = ErrorCode::corrupt, .message = "a piece is larger than was asked for."});
  fetch_->early[piece.offset] = std::move(piece.bytes);
  fetch_->progress_us = now;
  while (!fetch_->early.empty() && fetch_->early.begin()->first <= fetch_->received) {
    const auto next = fetch_->early.extract(fetch_->early.begin());
    if (next.key() != fetch_->received) continue;
    if (auto written = options_.snapshots->append(next.mapped()); !written)
      return abandon_fetch(written.error());
    fetch_->received += next.mapped().size();
  }
  if (fetch_->received < info.total_bytes) return request_pieces();
  finish_fetch();
}

// The switch itself comes when the node is opened again: until then the log and the content are what they were.
void DbNode::finish_fetch() {
  const SnapshotInfo info = *fetch_->info;
  fetch_.reset();
  if (is_running() && applied_.index >= info.position.index) return options_.snapshots->drop_incoming();
  const auto digest = options_.snapshots->incoming_digest();
  if ((!digest || *digest != info.digest) && keeps(Rule::verify_snapshots)) {
    options_.snapshots->drop_incoming();
    return abandon_fetch({.code = ErrorCode::corrupt, .message = "its digest does not match."});
  }
  if (auto done = options_.snapshots->complete(); !done) return abandon_fetch(done.error());
  go_down(NodeState::installing, {.code = ErrorCode::node_unavailable,
                                  .message = "Node " + id() + " installs a snapshot of index " +
                                             std::to_string(info.position.index) + ".",
                                  .node = id()});
}

void DbNode::handle(const NodeId& from, SnapshotRequest& request) {
  const auto answer = [&](std::optional<Error> refusal) {
    send(from, SnapshotPiece{.token = request.token, .refusal = std::move(refusal)});
  };
  if (!is_running() || applied_.index < request.at_least) {
    return answer(Error{.code = ErrorCode::node_unavailable,
                        .message = "Node " + id() + " has no snapshot of index " +
                                   std::to_string(request.at_least) + " or later.",
                        .node = id()});
  }
  if (!lent_ || lent_->info.position.index < std::max(request.at_least, driver_->view().base)) {
    make_snapshot();
    return answer(std::nullopt);
  }
  lent_->used_us = options_.writer.now_us();
  const SnapshotInfo& info = lent_->info;
  SnapshotPiece piece{.token = request.token,
                      .name = info.name,
                      .position = info.position,
                      .total_bytes = info.total_bytes,
                      .digest = info.digest,
                      .offset = request.name == info.name ? request.offset : 0};
  const std::size_t max_bytes = std::min<std::uint64_t>(request.max_bytes, kMaxPieceBytes);
  const bool compress = request.compressed;
  options_.readers.post([this, from, max_bytes, compress, piece = std::move(piece)]() mutable {
    auto bytes = options_.snapshots->read(piece.offset, max_bytes);
    if (!bytes) piece.refusal = bytes.error();
    if (bytes) piece.bytes = std::move(*bytes);
    if (auto compressed = compress ? compress_piece(piece.bytes) : std::nullopt) {
      piece.bytes = std::move(*compressed);
      piece.compressed = true;
    }
    send(from, std::move(piece));
  });
}

void DbNode::make_snapshot() {
  if (std::exchange(making_snapshot_, true)) return;
  lent_.reset();
  options_.readers.post([this] {
    auto made = options_.snapshots->make(*options_.engine);
    options_.writer.post([this, made = std::move(made)] {
      making_snapshot_ = false;
      if (made) lent_ = Lent{.info = *made, .used_us = options_.writer.now_us()};
    });
  });
}

}  // namespace quorate
