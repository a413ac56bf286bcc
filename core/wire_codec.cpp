#include "core/wire_codec.hpp"

#include "core/wire_fields.hpp"

namespace quorate {

// The order of a struct's fields is its form on the wire: a change needs another kWireVersion.
namespace wire {

// --- common parts ---

void fields(auto& visit, Like<Digest> auto& m) {
  visit(m.high, m.low);
}
void fields(auto& visit, Like<BatchId> auto& m) {
  visit(m.high, m.low);
}
void fields(auto& visit, Like<TableDigest> auto& m) {
  visit(m.digest, m.rows);
}
void fields(auto& visit, Like<ContentDigest> auto& m) {
  visit(m.tables, m.schema);
}
void fields(auto& visit, Like<Error> auto& m) {
  visit(m.code, m.message, m.outcome, m.statement, m.params_index);
  visit.node(m.node);
}
void fields(auto& visit, Like<Member> auto& m) {
  visit.node(m.id);
  visit(m.instance, m.witness, m.voter, m.preferred, m.out, m.peer);
}
void fields(auto& visit, Like<IdempotencyKey> auto& m) {
  visit(m.key, m.request, m.keep_us);
}
void fields(auto& visit, Like<Transaction> auto& m) {
  visit(m.id, m.statements, m.mode, m.forwarded, m.key);
}
void fields(auto& visit, Like<Query> auto& m) {
  visit(m.kind, m.sql, m.parameters, m.max_rows, m.max_bytes);
}

// --- consensus ---

void fields(auto& visit, Like<VoteRequest> auto& m) {
  visit(m.pre, m.transfer, m.term, m.last_log);
}
void fields(auto& visit, Like<VoteReply> auto& m) {
  visit(m.pre, m.term, m.request_term, m.granted);
}
void fields(auto& visit, Like<AppendRequest> auto& m) {
  visit(m.term, m.previous, m.entries, m.commit, m.round);
}
void fields(auto& visit, Like<AppendReply> auto& m) {
  visit(m.term, m.request_term, m.success, m.match, m.rejected, m.hint, m.round);
}
void fields(auto& visit, Like<SnapshotOffer> auto& m) {
  visit(m.term, m.base, m.membership, m.round);
}
void fields(auto& visit, Like<TimeoutNow> auto& m) {
  visit(m.term);
}

// --- between nodes ---

void fields(auto& visit, Like<PrepareRequest> auto& m) {
  visit(m.term, m.base, m.batch, m.payload);
}
void fields(auto& visit, Like<PrepareReply> auto& m) {
  visit(m.term, m.batch, m.refusal, m.digest, m.row_counts);
}
void fields(auto& visit, Like<ReleaseBatch> auto& m) {
  visit(m.batch);
}
void fields(auto& visit, Like<AppliedReport> auto& m) {
  visit(m.applied, m.durable, m.digest, m.state, m.detail, m.engine, m.api_url);
}
void fields(auto& visit, Like<CompactBelow> auto& m) {
  visit(m.index);
}
void fields(auto& visit, Like<ContentReport> auto& m) {
  visit(m.token, m.index, m.chain, m.content);
}
void fields(auto& visit, Like<Begin> auto& m) {
  visit(m.cluster_id, m.mode, m.membership);
}
void fields(auto& visit, Like<SnapshotRequest> auto& m) {
  visit(m.token, m.name, m.at_least, m.offset, m.max_bytes, m.compressed);
}
void fields(auto& visit, Like<SnapshotPiece> auto& m) {
  visit(m.token, m.refusal, m.name, m.position, m.total_bytes, m.digest, m.offset, m.compressed, m.bytes);
}

// --- calls ---

void fields(auto& visit, Like<WriteCall> auto& m) {
  visit(m.transaction, m.since);
}
void fields(auto& visit, Like<ModeCall> auto& m) {
  visit(m.mode);
}
void fields(auto&, Like<ReadIndexCall> auto&) {}
void fields(auto& visit, Like<QueryCall> auto& m) {
  visit(m.query, m.min_index);
}
void fields(auto&, Like<VerifyCall> auto&) {}
void fields(auto&, Like<StatusCall> auto&) {}
void fields(auto& visit, Like<OutcomeCall> auto& m) {
  visit(m.key);
}
void fields(auto& visit, Like<RestoreEnd> auto& m) {
  visit(m.token, m.total_bytes, m.digest);
}
void fields(auto& visit, Like<RestoreRecord> auto& m) {
  visit(m.offset, m.bytes, m.end);
}
void fields(auto& visit, Like<RestoreCall> auto& m) {
  visit(m.record);
}
void fields(auto& visit, Like<TransferCall> auto& m) {
  visit.node(m.to);
}
void fields(auto& visit, Like<MemberCall> auto& m) {
  visit(m.member, m.remove);
}
void fields(auto& visit, Like<RequestContext> auto& m) {
  visit(m.id, m.trace);
}
void fields(auto& visit, Like<Call> auto& m) {
  visit(m.id, m.term, m.timeout_us, m.body, m.context);
}

// --- answers ---

void fields(auto& visit, Like<IndexAnswer> auto& m) {
  visit(m.index);
}
void fields(auto& visit, Like<StatementResult> auto& m) {
  visit(m.rows_affected, m.last_insert_id, m.columns, m.rows);
}
void fields(auto& visit, Like<TransactionResult> auto& m) {
  visit(m.statements);
}
void fields(auto& visit, Like<WriteReceipt> auto& m) {
  visit(m.transaction_id, m.index, m.term, m.mode, m.result);
  visit.nodes(m.committed);
  visit.nodes(m.pending);
}
void fields(auto& visit, Like<KeyState> auto& m) {
  visit(m.state, m.receipt, m.refusal);
}
void fields(auto& visit, Like<QueryResult> auto& m) {
  visit(m.columns, m.types, m.rows, m.truncated, m.index);
}
void fields(auto& visit, Like<QueryAnswer> auto& m) {
  visit(m.result);
  visit.node(m.node);
}
void fields(auto& visit, Like<VerifyReport::Node> auto& m) {
  visit.node(m.id);
  visit(m.error, m.chain, m.content);
}
void fields(auto& visit, Like<VerifyReport> auto& m) {
  visit(m.index, m.equal, m.differences, m.nodes);
}
void fields(auto& visit, Like<NodeStatus> auto& m) {
  visit.node(m.id);
  visit(m.role, m.preferred_master, m.state, m.detail, m.url, m.peer, m.instance, m.out, m.engine);
  visit(m.match_index, m.applied_index, m.lag, m.digest, m.last_contact_ms);
}
void fields(auto& visit, Like<ClusterStatus> auto& m) {
  visit(m.cluster_id, m.mode, m.term, m.commit_index);
  visit.node(m.leader);
  visit.node(m.source);
  visit(m.nodes);
}
void fields(auto& visit, Like<CallReply> auto& m) {
  visit(m.id, m.answer);
}
void fields(auto& visit, Like<Message> auto& m) {
  visit.node(m.from);
  visit.node(m.to);
  visit(m.instance, m.body);
}

}  // namespace wire

std::string encode(const Message& message) {
  Encoder out;
  out.put(kWireVersion);
  wire::Writer writer(out);
  writer(message);
  return out.take();
}

Result<Message> decode_message(std::string_view bytes) {
  Decoder in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (!in.failed() && version != kWireVersion) {
    return fail(ErrorCode::corrupt, "A message between nodes has format " + std::to_string(version) +
                                        ", and this version of Quorate knows " +
                                        std::to_string(kWireVersion) + ".");
  }
  Message message;
  wire::Reader reader(in);
  reader(message);
  if (in.failed() || !in.at_end()) return fail(ErrorCode::corrupt, "A message between nodes is damaged.");
  return message;
}

}  // namespace quorate
