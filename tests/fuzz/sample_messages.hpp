// Messages of every kind with something in every field: what the codec's test compares and its fuzzer starts
// from.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/transport.hpp"

namespace quorate {

inline Value sample_text() {
  return std::string("a\0\xF0\x9F\x98\x80\xFF", 7);
}

inline Membership sample_membership() {
  Membership membership;
  membership.put({.id = "n1", .instance = 0xDEADBEEF01234567, .preferred = true, .peer = "127.0.0.1:7001"});
  membership.put({.id = "n2", .instance = 2, .voter = false, .out = true, .peer = "[::1]:7002"});
  membership.put({.id = "w.1", .instance = 3, .witness = true});
  return membership;
}

inline Transaction sample_transaction() {
  Statement one{.sql = "INSERT INTO t VALUES (?, ?, ?, ?, ?)", .parameters = {}};
  one.parameters.positional = {Null{}, std::numeric_limits<std::int64_t>::min(), -0.0, sample_text(),
                               Blob{std::string("\x00\xFF", 2)}};
  Statement two{.sql = "UPDATE t SET a = :a", .parameters = {}, .expect_rows = -7, .allow_no_rows = true};
  two.parameters.named = {{"a", std::numeric_limits<double>::infinity()},
                          {"", -std::numeric_limits<double>::infinity()},
                          {"c", std::numeric_limits<double>::denorm_min()}};
  ParameterRowsWriter rows;
  for (const std::int64_t i : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
    rows.put(i);
    rows.put(std::get<std::string>(sample_text()));
    rows.end_row();
  }
  const Statement three{.sql = "INSERT INTO t VALUES (:a, :b)", .rows = rows.take(2, {"a", "b"})};
  return {.id = "t-1",
          .statements = {one, two, {}, three},
          .mode = ConsistencyMode::dual_write,
          .forwarded = true,
          .key = IdempotencyKey{.key = "k", .request = {.high = 1, .low = 2}, .keep_us = 3}};
}

inline Error sample_error() {
  return {.code = ErrorCode::internal,
          .message = "It went wrong.",
          .outcome = Outcome::unknown,
          .statement = 3,
          .params_index = 5,
          .node = "n2"};
}

inline ContentDigest sample_content() {
  return {.tables = {{"a", {.digest = {1, 2}, .rows = 3}}, {"b", {.digest = {4, 5}, .rows = 6}}},
          .schema = {7, 8}};
}

inline std::vector<Row> sample_rows() {
  return {
      {Null{}, std::int64_t{5}, 0.1, sample_text(), Blob{"b"}}, {}, {std::numeric_limits<double>::lowest()}};
}

inline std::vector<MessageBody> sample_raft_bodies() {
  const auto payload = std::make_shared<const std::string>("payload \0 bytes", 15);
  const auto nothing = std::make_shared<const std::string>();
  AppendRequest append{.term = 9, .previous = {.index = 8, .term = 7}, .commit = 6, .round = 5};
  append.entries = {{.index = 9, .term = 9, .kind = EntryKind::batch, .payload = payload},
                    {.index = 10, .term = 9, .kind = EntryKind::membership, .payload = nothing}};
  return {
      RaftBody(VoteRequest{.pre = true, .transfer = true, .term = 4, .last_log = {.index = 3, .term = 2}}),
      RaftBody(VoteReply{.pre = true, .term = 4, .request_term = 3, .granted = true}),
      RaftBody(append),
      RaftBody(AppendRequest{.term = 1}),
      RaftBody(AppendReply{.term = 4,
                           .request_term = 3,
                           .success = true,
                           .match = std::numeric_limits<Index>::max(),
                           .rejected = 1,
                           .hint = {.index = 5, .term = 6},
                           .round = 7}),
      RaftBody(SnapshotOffer{
          .term = 4, .base = {.index = 5, .term = 6}, .membership = sample_membership(), .round = 7}),
      RaftBody(TimeoutNow{.term = 4}),
  };
}

inline std::vector<MessageBody> sample_node_bodies() {
  const BatchId batch{.high = 11, .low = 12};
  const auto payload = std::make_shared<const std::string>("the batch");
  return {
      PrepareRequest{.term = 1, .base = 2, .batch = batch, .payload = payload},
      PrepareReply{.term = 1, .batch = batch, .refusal = {}, .digest = {1, 2}, .row_counts = {-1, 0, 7}},
      PrepareReply{.term = 1, .batch = batch, .refusal = sample_error(), .digest = {}, .row_counts = {}},
      ReleaseBatch{.batch = batch},
      AppliedReport{.applied = {.index = 5, .term = 6},
                    .durable = 4,
                    .digest = {1, 2},
                    .state = NodeState::removed,
                    .detail = "d",
                    .engine = "e",
                    .api_url = "u"},
      CompactBelow{.index = 77},
      ContentReport{.token = 1, .index = 2, .chain = {3, 4}, .content = sample_content()},
      ContentReport{.token = 1, .index = 2, .chain = {3, 4}, .content = std::unexpected(sample_error())},
      Begin{.cluster_id = "c1", .mode = ConsistencyMode::dual_write, .membership = sample_membership()},
      SnapshotRequest{
          .token = 1, .name = "s1", .at_least = 2, .offset = 3, .max_bytes = 4, .compressed = true},
      SnapshotPiece{.token = 1,
                    .name = "s1",
                    .position = {.index = 5, .term = 6},
                    .total_bytes = 7,
                    .digest = {8, 9},
                    .offset = 10,
                    .compressed = true,
                    .bytes = std::string("\0\1\2", 3)},
      SnapshotPiece{.token = 1, .refusal = sample_error(), .name = "s1"},
  };
}

inline std::vector<MessageBody> sample_calls() {
  Query query{.kind = QueryKind::schema,
              .sql = "SELECT ?",
              .parameters = {.positional = {sample_text()}, .named = {}}};
  query.max_rows = 10;
  query.max_bytes = 20;
  const Member member = sample_membership().members.front();
  std::vector<MessageBody> bodies;
  for (const CallBody& body : std::initializer_list<CallBody>{
           WriteCall{.transaction = sample_transaction(), .since = 5},
           ModeCall{.mode = ConsistencyMode::dual_write}, ReadIndexCall{},
           QueryCall{.query = query, .min_index = 30}, VerifyCall{}, StatusCall{}, TransferCall{.to = "n2"},
           MemberCall{.member = member, .remove = true}, OutcomeCall{.key = "k"},
           RestoreCall{{.offset = 1, .bytes = std::string("\0x", 2)}},
           RestoreCall{{.end = RestoreEnd{.token = {1, 2}, .total_bytes = 3, .digest = {4, 5}}}}}) {
    bodies.push_back(Call{.id = 1,
                          .term = 2,
                          .timeout_us = -3,
                          .body = body,
                          .context = {.id = "request-1", .trace = "00-1-2-01"}});
  }
  return bodies;
}

inline ClusterStatus sample_status() {
  NodeStatus node{.id = "n1",
                  .role = "master",
                  .preferred_master = true,
                  .state = "running",
                  .detail = "Because.",
                  .url = "http://n1",
                  .peer = "127.0.0.1:7001",
                  .instance = "0000000000000001",
                  .out = true,
                  .engine = "sqlite",
                  .match_index = 1,
                  .applied_index = 2,
                  .lag = 3,
                  .digest = "00",
                  .last_contact_ms = 4};
  return {.cluster_id = "c1",
          .mode = ConsistencyMode::dual_write,
          .term = 1,
          .commit_index = 2,
          .leader = "n1",
          .source = "n2",
          .nodes = {node, {.id = "n2", .role = "backup", .state = "running", .engine = "", .digest = ""}}};
}

inline std::vector<MessageBody> sample_replies() {
  const StatementResult statement{
      .rows_affected = 1, .last_insert_id = -2, .columns = {"a", ""}, .rows = sample_rows()};
  const WriteReceipt receipt{.transaction_id = "t-1",
                             .index = 1,
                             .term = 2,
                             .mode = ConsistencyMode::dual_write,
                             .result = {.statements = {statement, {}}},
                             .committed = {"n1", "n2"},
                             .pending = {"n3"}};
  const QueryAnswer answer{
      .result = {.columns = {"a"}, .types = {"TEXT"}, .rows = sample_rows(), .truncated = true, .index = 5},
      .node = "n3"};
  VerifyReport report{.index = 1, .equal = true, .differences = {"table t: n3 differs from n1"}, .nodes = {}};
  report.nodes.push_back({.id = "n1", .error = {}, .chain = {1, 2}, .content = sample_content()});
  report.nodes.push_back({.id = "n2", .error = sample_error(), .chain = {}, .content = {}});
  return {
      CallReply{.id = 1, .answer = IndexAnswer{.index = 5}},
      CallReply{.id = 2, .answer = receipt},
      CallReply{.id = 3, .answer = answer},
      CallReply{.id = 4, .answer = report},
      CallReply{.id = 5, .answer = sample_status()},
      CallReply{.id = 6, .answer = std::unexpected(sample_error())},
      CallReply{
          .id = 7,
          .answer =
              KeyState{.state = KeyState::State::aborted, .receipt = receipt, .refusal = sample_error()}},
  };
}

// At least one of every kind.
inline std::vector<Message> sample_messages() {
  std::vector<Message> messages;
  for (const auto& bodies : {sample_raft_bodies(), sample_node_bodies(), sample_calls(), sample_replies()}) {
    for (const MessageBody& body : bodies) {
      messages.push_back({.from = "n1", .to = "n-2", .body = body, .instance = 0x0123456789ABCDEF});
    }
  }
  return messages;
}

}  // namespace quorate
