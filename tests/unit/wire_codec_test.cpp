#include "core/wire_codec.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "tests/fuzz/sample_messages.hpp"

namespace quorate {
namespace {

template <typename Body>
Body round_trip(Body body) {
  const auto decoded = decode_message(encode({.from = "n1", .to = "n2", .body = std::move(body)}));
  REQUIRE(decoded.has_value());
  return std::get<Body>(decoded->body);
}

template <typename Answer>
Answer answer_round_trip(const MessageBody& body) {
  const CallReply reply = round_trip(std::get<CallReply>(body));
  REQUIRE(reply.answer.has_value());
  return std::get<Answer>(*reply.answer);
}

void check_equal(const Error& one, const Error& other) {
  CHECK(one.code == other.code);
  CHECK(one.message == other.message);
  CHECK(one.outcome == other.outcome);
  CHECK(one.statement == other.statement);
  CHECK(one.node == other.node);
}

std::string bytes_of(const MessageBody& body) {
  return encode({.from = "n1", .to = "n2", .body = body});
}

TEST_CASE("a message of every kind comes back as it went") {
  std::set<std::size_t> kinds;
  std::set<std::size_t> raft_kinds;
  std::set<std::size_t> call_kinds;
  std::set<std::size_t> answer_kinds;
  for (const Message& message : sample_messages()) {
    const std::string bytes = encode(message);
    CHECK(bytes[0] == kWireVersion);
    const auto decoded = decode_message(bytes);
    REQUIRE(decoded.has_value());
    CHECK(encode(*decoded) == bytes);
    CHECK(decoded->from == message.from);
    CHECK(decoded->to == message.to);
    CHECK(decoded->instance == message.instance);
    CHECK(decoded->body.index() == message.body.index());
    kinds.insert(message.body.index());
    if (const auto* raft = std::get_if<RaftBody>(&message.body)) raft_kinds.insert(raft->index());
    if (const auto* call = std::get_if<Call>(&message.body)) call_kinds.insert(call->body.index());
    if (const auto* reply = std::get_if<CallReply>(&message.body)) {
      answer_kinds.insert(reply->answer ? reply->answer->index() : std::variant_npos);
    }
  }
  CHECK(kinds.size() == std::variant_size_v<MessageBody>);
  CHECK(raft_kinds.size() == std::variant_size_v<RaftBody>);
  CHECK(call_kinds.size() == std::variant_size_v<CallBody>);
  CHECK(answer_kinds.size() == std::variant_size_v<CallAnswer> + 1);
}

TEST_CASE("consensus messages keep their fields") {
  const std::vector<MessageBody> samples = sample_raft_bodies();
  const auto vote = std::get<VoteRequest>(round_trip(std::get<RaftBody>(samples[0])));
  CHECK(vote.pre);
  CHECK(vote.transfer);
  CHECK(vote.term == 4);
  CHECK(vote.last_log == Position{.index = 3, .term = 2});

  const auto append = std::get<AppendRequest>(round_trip(std::get<RaftBody>(samples[2])));
  CHECK(append.previous == Position{.index = 8, .term = 7});
  REQUIRE(append.entries.size() == 2);
  CHECK(append.entries[0].position() == Position{.index = 9, .term = 9});
  CHECK(append.entries[0].kind == EntryKind::batch);
  CHECK(*append.entries[0].payload == std::string("payload \0 bytes", 15));
  REQUIRE(append.entries[1].payload != nullptr);
  CHECK(append.entries[1].payload->empty());
  CHECK(append.commit == 6);
  CHECK(append.round == 5);

  const auto offer = std::get<SnapshotOffer>(round_trip(std::get<RaftBody>(samples[5])));
  CHECK(offer.membership == sample_membership());
}

TEST_CASE("messages between nodes keep their fields") {
  const std::vector<MessageBody> samples = sample_node_bodies();
  const auto reply = round_trip(std::get<PrepareReply>(samples[2]));
  REQUIRE(reply.refusal.has_value());
  check_equal(*reply.refusal, sample_error());
  CHECK(round_trip(std::get<PrepareReply>(samples[1])).row_counts == std::vector<std::int64_t>{-1, 0, 7});

  const auto report = round_trip(std::get<AppliedReport>(samples[4]));
  CHECK(report.state == NodeState::removed);
  CHECK(report.api_url == "u");
  const auto request = round_trip(std::get<SnapshotRequest>(samples[9]));
  CHECK(request.max_bytes == 4);
  CHECK(request.compressed);

  const auto content = round_trip(std::get<ContentReport>(samples[6]));
  REQUIRE(content.content.has_value());
  CHECK(*content.content == sample_content());
  check_equal(round_trip(std::get<ContentReport>(samples[7])).content.error(), sample_error());

  const auto piece = round_trip(std::get<SnapshotPiece>(samples[10]));
  CHECK(piece.bytes == std::string("\0\1\2", 3));
  CHECK(piece.offset == 10);
  CHECK(piece.compressed);
  CHECK_FALSE(round_trip(std::get<SnapshotPiece>(samples[11])).compressed);
  CHECK_FALSE(piece.refusal.has_value());
}

TEST_CASE("calls and answers keep their fields") {
  const auto write = std::get<WriteCall>(round_trip(std::get<Call>(sample_calls()[0])).body);
  const Transaction transaction = sample_transaction();
  CHECK(write.since == 5);
  CHECK(write.transaction.mode == ConsistencyMode::dual_write);
  CHECK(write.transaction.forwarded);
  CHECK(write.transaction.key == transaction.key);
  REQUIRE(write.transaction.statements.size() == 4);
  CHECK(write.transaction.statements[0].parameters == transaction.statements[0].parameters);
  CHECK(write.transaction.statements[1].parameters == transaction.statements[1].parameters);
  CHECK(write.transaction.statements[3].rows == transaction.statements[3].rows);
  CHECK(write.transaction.statements[1].expect_rows == -7);
  CHECK(write.transaction.statements[1].allow_no_rows);

  const auto query = std::get<QueryCall>(round_trip(std::get<Call>(sample_calls()[3])).body);
  CHECK(query.query.kind == QueryKind::schema);
  CHECK(query.query.max_rows == 10);
  CHECK(query.query.max_bytes == 20);
  CHECK(query.query.deadline == Deadline::max());
  CHECK(query.query.parameters.positional == std::vector<Value>{sample_text()});

  const std::vector<MessageBody> replies = sample_replies();
  const auto receipt = answer_round_trip<WriteReceipt>(replies[1]);
  CHECK(receipt.result == std::get<WriteReceipt>(*std::get<CallReply>(replies[1]).answer).result);
  CHECK(receipt.committed == std::vector<std::string>{"n1", "n2"});
  const auto report = answer_round_trip<VerifyReport>(replies[3]);
  REQUIRE(report.nodes.size() == 2);
  CHECK(report.nodes[0].content == sample_content());
  REQUIRE(report.nodes[1].error.has_value());
  check_equal(*report.nodes[1].error, sample_error());
  const auto status = answer_round_trip<ClusterStatus>(replies[4]);
  CHECK(status.nodes[0].last_contact_ms == 4);
  CHECK(status.nodes[0].url == "http://n1");
  CHECK_FALSE(status.nodes[1].last_contact_ms.has_value());
  const auto state = answer_round_trip<KeyState>(replies[6]);
  CHECK(state.state == KeyState::State::aborted);
  REQUIRE(state.receipt.has_value());
  CHECK(state.receipt->result == receipt.result);
  REQUIRE(state.refusal.has_value());
  check_equal(*state.refusal, sample_error());
  CHECK(std::get<OutcomeCall>(round_trip(std::get<Call>(sample_calls()[8])).body).key == "k");
  const auto piece = std::get<RestoreCall>(round_trip(std::get<Call>(sample_calls()[9])).body).record;
  CHECK(piece.offset == 1);
  CHECK(piece.bytes == std::string("\0x", 2));
  CHECK_FALSE(piece.end.has_value());
  const auto end = std::get<RestoreCall>(round_trip(std::get<Call>(sample_calls()[10])).body).record.end;
  REQUIRE(end.has_value());
  CHECK(end->token == Digest{1, 2});
  CHECK(end->total_bytes == 3);
  CHECK(end->digest == Digest{4, 5});
}

TEST_CASE("a call keeps the ids of the request that it is made for") {
  const Call call{.id = 1, .body = StatusCall{}, .context = {.id = "request-1", .trace = "00-1-2-01"}};
  CHECK(round_trip(call).context == call.context);
  CHECK(round_trip(Call{.id = 1, .body = StatusCall{}}).context == RequestContext{});
}

TEST_CASE("doubles come back bit by bit, even what is not a number") {
  const double odd = std::bit_cast<double>(0x7FF800000000BEEFULL);
  Call call{.id = 1,
            .body = QueryCall{.query = {.sql = "", .parameters = {.positional = {odd}, .named = {}}}}};
  const auto back = std::get<QueryCall>(round_trip(call).body).query.parameters.positional.at(0);
  CHECK(std::bit_cast<std::uint64_t>(std::get<double>(back)) == 0x7FF800000000BEEFULL);
}

TEST_CASE("no shortened, lengthened or altered message does more than fail") {
  for (const Message& message : sample_messages()) {
    const std::string bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode_message(std::string_view(bytes).substr(0, size));
      REQUIRE_FALSE(decoded.has_value());
      REQUIRE(decoded.error().code == ErrorCode::corrupt);
    }
    CHECK_FALSE(decode_message(bytes + '\0').has_value());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string altered = bytes;
        altered[at] = static_cast<char>(altered[at] ^ flip);
        const auto decoded = decode_message(altered);  // the sanitizers watch
        if (decoded) CHECK(decode_message(encode(*decoded)).has_value());
      }
    }
  }
}

TEST_CASE("what is out of range does not pass") {
  const std::string other(1, static_cast<char>(kWireVersion + 1));
  CHECK(decode_message(other).error().message.find("format " + std::to_string(kWireVersion + 1)) !=
        std::string::npos);
  CHECK_FALSE(decode_message(encode({.from = "not an id", .to = "n2", .body = CompactBelow{}})).has_value());
  CHECK_FALSE(decode_message(encode({.from = "n1", .to = "n2\n", .body = CompactBelow{}})).has_value());
  CHECK(decode_message(encode({.from = "", .to = "", .body = CompactBelow{}})).has_value());

  const auto payload = std::make_shared<const std::string>();
  const Entry entry{.index = 1, .term = 1, .kind = static_cast<EntryKind>(6), .payload = payload};
  CHECK_FALSE(decode_message(bytes_of(RaftBody(AppendRequest{.entries = {entry}}))).has_value());
  CHECK_FALSE(decode_message(bytes_of(Begin{.cluster_id = "c", .mode = static_cast<ConsistencyMode>(2)}))
                  .has_value());
  Error error = sample_error();
  error.code = static_cast<ErrorCode>(static_cast<int>(ErrorCode::internal) + 1);
  CHECK_FALSE(decode_message(bytes_of(CallReply{.id = 1, .answer = std::unexpected(error)})).has_value());
  const Call to_nobody{.id = 1, .body = TransferCall{.to = "a b"}};
  CHECK_FALSE(decode_message(bytes_of(to_nobody)).has_value());

  std::string alternative = bytes_of(CompactBelow{.index = 1});
  alternative[alternative.size() - 9] = static_cast<char>(std::variant_size_v<MessageBody>);
  CHECK_FALSE(decode_message(alternative).has_value());
}

TEST_CASE("a count that nothing stands behind reserves nothing") {
  std::string bytes = bytes_of(PrepareReply{});  // ends with the count of row_counts
  const std::uint32_t count = 0xFFFFFFFF;
  std::memcpy(bytes.data() + bytes.size() - sizeof(count), &count, sizeof(count));
  CHECK_FALSE(decode_message(bytes).has_value());
}

}  // namespace
}  // namespace quorate
