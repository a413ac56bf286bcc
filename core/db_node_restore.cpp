// A restore: a database file comes through the log in pieces, which every data node keeps beside its database. The last
// entry puts it in the place of the content, on every node at the same index: the file becomes a snapshot of that index,
// which is installed when the node is opened again (db_node_snapshots.cpp). So it is there on a majority before it is
// decided, and whoever misses pieces of it gets a snapshot from the others.
#include <utility>

#include "core/db_node.hpp"

namespace quorate {
namespace {

// Under this key a restore leaves its own outcome in the new content, so that asking for it again is harmless.
IdempotencyKey key_of(const RestoreEnd& end) {
  constexpr std::int64_t kKeepUs = 3'600'000'000;
  return {.key = "_restore " + to_string(end.token), .request = end.digest, .keep_us = kKeepUs};
}

}  // namespace

Result<bool> DbNode::has_all_of(const RestoreEnd& end) const {
  if (!keeps(Rule::restore_only_whole_files)) return true;
  return options_.snapshots->has_replacement(end);
}

// Nothing if the end may be proposed: all of the file is here, on top of everything that is decided.
std::optional<Result<WriteReceipt>> DbNode::known_outcome(const RestoreRecord& record) {
  if (!record.end) return std::nullopt;
  auto kept = outcome_under(key_of(*record.end));
  if (!kept) return std::unexpected(std::move(kept.error()));
  if (*kept) return std::move(**kept);
  const auto is_whole = has_all_of(*record.end);
  if (!is_whole) return std::unexpected(is_whole.error());
  if (*is_whole) return std::nullopt;
  return fail(ErrorCode::node_unavailable, "Not all of the file has come to node " + id() +
                                               ": another restore was under way, or this node joined "
                                               "meanwhile. Nothing was restored; send it again.");
}

Result<void> DbNode::apply_restore(const Entry& entry) {
  const auto record = decode_restore(*entry.payload);
  if (!record) return std::unexpected(record.error());
  if (!record->end) {
    if (auto written = options_.snapshots->write_replacement(*record); !written) return written;
    return apply_empty(entry, {});
  }
  const auto is_whole = has_all_of(*record->end);
  if (!is_whole) return std::unexpected(is_whole.error());
  if (!*is_whole) {
    return fail(ErrorCode::quarantined,
                "Entry " + std::to_string(entry.index) +
                    " replaces the content by a file that this node has not received.");
  }
  auto replaced = replace_content(entry, *record->end);
  if (replaced) {
    is_replaced_ = true;
    return {};
  }
  const ErrorCode code = replaced.error().code;
  if (code != ErrorCode::corrupt && code != ErrorCode::forbidden_sql) return replaced;
  // It is the file's fault, so it is the same on every node: the content stays.
  restore_refusal_ =
      Error{.code = ErrorCode::malformed_request,
            .message = "The file cannot be restored, and nothing was: " + replaced.error().message};
  return apply_empty(entry, {});
}

Result<void> DbNode::replace_content(const Entry& entry, const RestoreEnd& end) {
  held_.reset();
  auto meta = options_.engine->read_meta();
  if (!meta) return std::unexpected(meta.error());
  ClusterMeta next = **meta;
  next.applied = entry.position();
  next.digest = chain(next.digest, end.digest);
  const IdempotencyKey key = key_of(end);
  const KeptOutcome outcome{.request = key.request,
                            .receipt = {.index = entry.index, .term = entry.term, .mode = mode_}};
  return options_.snapshots->complete_replacement(
      *options_.engine, next, {{.key = key.key, .keep_us = key.keep_us, .bytes = encode(outcome)}});
}

// The new content lies ready, and this node is opened again with it. Until then it counts as not applied here: whoever
// waits for that index must not be shown the old one.
void DbNode::install_replacement(const Entry& entry) {
  settle(entry);
  go_down(NodeState::installing, {.code = ErrorCode::node_unavailable,
                                  .message = "Node " + id() + " puts the restored content, of index " +
                                             std::to_string(entry.index) + ", in place.",
                                  .node = id()});
}

}  // namespace quorate
