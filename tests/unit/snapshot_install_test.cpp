// A node that installs a snapshot keeps what it has promised, with its control: the rule broken.
#include <doctest/doctest.h>

#include <filesystem>

#include "core/consensus/file_log_store.hpp"
#include "core/db_node.hpp"
#include "core/snapshot_files.hpp"
#include "engines/memory/memory_engine.hpp"
#include "tests/unit/manual_executor.hpp"
#include "tests/unit/temporary_folder.hpp"

namespace quorate {
namespace {

namespace fs = std::filesystem;

class SentMessages final : public Transport {
 public:
  void send(Message message) override { messages.push_back(std::move(message)); }
  bool is_reachable(const NodeId&) const override { return true; }
  std::vector<Message> messages;
};

class Nobody final : public NodeObserver {
 public:
  void on_returned(std::vector<Submission>) override {}
  void on_down(const NodeId&, NodeState, Error) override {}
  void on_member_call(MemberCall, std::int64_t, std::move_only_function<void(Result<CallAnswer>)>) override {}
  void on_reply(CallReply) override {}
  void on_unreachable(const NodeId&) override {}
};

ClusterMeta meta_of(const NodeId& id, const Membership& membership) {
  return {.cluster_id = "test", .node_id = id, .role = "backup", .membership = membership};
}

// b has voted for c in term 9, and a snapshot of index 40 and term 6 lies ready: does b, after its installation, vote for a
// in term 9?
bool votes_again(std::optional<Rule> broken) {
  const TemporaryFolder folder;
  auto log = *FileLogStore::open(folder.path / "log");
  Membership membership;
  for (const NodeId& id : {"a", "b", "c"}) membership.put({.id = id});
  const Instance instance = log->load()->instance;
  membership.put({.id = "b", .instance = instance});
  REQUIRE(log->install({}, membership));
  REQUIRE(log->write({.hard_state = HardState{.term = 9, .voted_for = "c"}}));

  MemoryEngine source(std::make_shared<MemoryDisk>());
  REQUIRE(source.write_meta(meta_of("a", membership)));
  REQUIRE(source.prepare({}, {}));
  REQUIRE(source.commit({.index = 40, .term = 6}, {}));
  REQUIRE(source.snapshot(folder.path / "b.snapshot"));
  auto engine = std::make_unique<MemoryEngine>(std::make_shared<MemoryDisk>());
  REQUIRE(engine->write_meta(meta_of("b", membership)));

  ManualExecutor executor;
  SentMessages transport;
  Nobody observer;
  auto node = DbNode::open({.node = {.id = "b", .database = {}, .log = {}},
                            .limits = {},
                            .timing = {},
                            .engine_name = "memory",
                            .engine = std::move(engine),
                            .log = std::move(log),
                            .snapshots = open_snapshot_files(folder.path / "b"),
                            .consensus = executor,
                            .writer = executor,
                            .readers = executor,
                            .transport = transport,
                            .observer = observer,
                            .broken = broken});
  REQUIRE(node.has_value());
  REQUIRE((*node)->applied_index() == 40);
  const VoteRequest request{.term = 9, .last_log = {.index = 40, .term = 6}};
  (*node)->receive({.from = "a", .to = "b", .body = RaftBody(request)});
  executor.run();
  REQUIRE(transport.messages.size() == 1);
  return std::get<VoteReply>(std::get<RaftBody>(transport.messages[0].body)).granted;
}

TEST_CASE("a node that installs a snapshot remembers its vote") {
  CHECK_FALSE(votes_again(std::nullopt));
  CHECK(votes_again(Rule::keep_promises_on_install));
}

}  // namespace
}  // namespace quorate
