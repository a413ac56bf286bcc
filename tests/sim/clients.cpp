// The simulated clients. Every write adds one to a counter, reads it back, and leaves two journal rows with its key, so
// that what became of it can be told from the content of any node.
#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kRegisters = 4;
constexpr std::int64_t kOfOneWithRows = 4;                   // of so many writes one has rows of parameters
constexpr int kMaxSent = 4;                                  // as often one write is sent, if it has a key
constexpr std::int64_t kForever = 1'000LL * 86'400'000'000;  // the clocks jump by a day

Statement statement(std::string sql, std::vector<Value> parameters = {}) {
  return {.sql = std::move(sql), .parameters = {.positional = std::move(parameters), .named = {}}};
}

}  // namespace

void World::create_tables() {
  Transaction transaction;
  transaction.id = "tables";
  transaction.statements = {
      statement("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER)"),
      statement("CREATE TABLE journal (id INTEGER PRIMARY KEY, key INTEGER, stamp INTEGER)"),
      statement("CREATE TABLE registers (id INTEGER PRIMARY KEY, value INTEGER, version INTEGER)"),
      statement("INSERT INTO counter (id, value, version) VALUES (1, 0, 0)")};
  for (std::int64_t id = 0; id < kRegisters; ++id) {
    transaction.statements.push_back(
        statement("INSERT INTO registers (id, value, version) VALUES (?, 0, 0)", {id}));
  }
  auto done = std::make_shared<bool>(false);
  const auto write = [this, transaction, done](const auto& again) -> void {
    coordinators_.front()->write(transaction, deadline_at(scheduler_.now_us() + 5 * kSecond),
                                 [this, done, again](const auto& receipt) {
                                   if (receipt) *done = true;
                                   if (!receipt) later(10'000, [again] { again(again); });
                                 });
  };
  write(write);
  run_until_done(*done, 10 * kSecond, "the tables are not created");
}

void World::run_client(int client) {
  if (!clients_run_) return;
  const bool hurries = disturbs_ && scheduler_.random.chance(hurried_clients_);
  const std::int64_t most_us = hurries ? 2'000 : disturbs_ ? 120'000 : calm_pause_us_;
  later(scheduler_.random.between(0, most_us), [this, client] {
    if (!clients_run_) return;
    if (scheduler_.random.chance(700)) {
      write_once(client);
    } else {
      read_once(client);
    }
  });
}

void World::write_once(int client) {
  const std::int64_t key = next_key_++;
  Transaction transaction;
  if (scheduler_.random.chance(100)) transaction.mode = ConsistencyMode::dual_write;
  transaction.statements = {
      statement("UPDATE counter SET value = value + 1, version = version + 1 WHERE id = 1"),
      statement("SELECT value FROM counter WHERE id = 1")};
  if (key % kOfOneWithRows == 0) {
    ParameterRowsWriter rows;
    for (int row = 0; row < 2; ++row) {
      rows.put(key);
      rows.end_row();
    }
    Statement both = statement("INSERT INTO journal (key, stamp) VALUES (?, random())");
    both.rows = rows.take(1, {});
    transaction.statements.push_back(std::move(both));
  } else {
    transaction.statements.push_back(
        statement("INSERT INTO journal (key, stamp) VALUES (?, unixepoch())", {key}));
    transaction.statements.push_back(
        statement("INSERT INTO journal (key, stamp) VALUES (?, random())", {key}));
  }
  if (scheduler_.random.chance(150)) {  // mostly a version conflict
    transaction.statements.push_back(
        statement("UPDATE registers SET value = ?, version = version + 1 WHERE id = ? AND version = ?",
                  {key, scheduler_.random.between(0, kRegisters - 1), scheduler_.random.between(0, 2)}));
  }
  if (scheduler_.random.chance(400)) {
    transaction.key = {.key = "k" + std::to_string(key),
                       .request = {.high = 0, .low = static_cast<std::uint64_t>(key)},
                       .keep_us = kForever};
  }
  ++attempts_;
  Write& write = writes_[key];
  write = {.key = key, .transaction = std::move(transaction)};
  send_write(write, [this, client] { run_client(client); });
  if (!write.transaction.key || !scheduler_.random.chance(200)) return;
  later(scheduler_.random.between(0, kSecond), [this, &write] {
    if (clients_run_) send_write(write, [] {});
  });
}

// One more time, if it has a key; `then` is called when it is answered.
void World::send_write(Write& write, std::function<void()> then) {
  Transaction transaction = write.transaction;
  transaction.id = "t" + std::to_string(write.key) + "." + std::to_string(++write.sent);
  const auto deadline = deadline_at(scheduler_.now_us() + scheduler_.random.between(200'000, 3 * kSecond));
  trace("writes " + transaction.id);
  auto answered = std::make_shared<bool>(false);
  coordinator_for_client().write(
      std::move(transaction), deadline,
      [this, &write, answered, then = std::move(then)](const Result<WriteReceipt>& receipt) {
        if (std::exchange(*answered, true))
          throw Violation("write " + std::to_string(write.key) + " was answered twice");
        see_answer(write, receipt);
        if (write.transaction.key && write.sent < kMaxSent && clients_run_ && scheduler_.random.chance(400)) {
          return later(scheduler_.random.between(0, kSecond / 2),
                       [this, &write, then] { send_write(write, then); });
        }
        if (write.transaction.key && scheduler_.random.chance(300)) ask_for_key(write);
        then();
      });
}

void World::see_answer(Write& write, const Result<WriteReceipt>& receipt) {
  ++write.answered;
  const Outcome outcome = receipt ? Outcome::applied : receipt.error().outcome;
  trace("write " + std::to_string(write.key) + ": " + std::string(to_string(outcome)) +
        (receipt ? " at " + std::to_string(receipt->index) : " " + receipt.error().message));
  if (!receipt) {
    ++(outcome == Outcome::unknown ? summary_.unknown : summary_.not_applied);
    const bool first = !write.outcome;
    if (first || (outcome == Outcome::unknown && *write.outcome == Outcome::not_applied))
      write.outcome = outcome;
    return;
  }
  ++summary_.applied;
  see_applied(write, *receipt);
  check_prepared_everywhere(*receipt);
}

// However often it was sent: it happened once, and everybody is told the same.
void World::see_applied(Write& write, const WriteReceipt& receipt) {
  const auto value = std::get<std::int64_t>(receipt.result.statements.at(1).rows.at(0).at(0));
  if (write.outcome == Outcome::applied && (write.index != receipt.index || write.value != value)) {
    throw Violation("write " + std::to_string(write.key) + " was told to have happened at index " +
                    std::to_string(write.index) + " and at index " + std::to_string(receipt.index));
  }
  write.outcome = Outcome::applied;
  write.index = receipt.index;
  write.value = value;
  acknowledged_ = std::max(acknowledged_, value);
}

void World::ask_for_key(Write& write) {
  const bool was_applied = write.outcome == Outcome::applied;
  const bool was_refused = write.outcome == Outcome::not_applied && write.answered == write.sent;
  coordinator_for_client().find_key(write.transaction.key->key, deadline_at(scheduler_.now_us() + kSecond),
                                    [this, &write, was_applied, was_refused](const Result<KeyState>& state) {
                                      if (!state) return;
                                      const bool is_committed = state->state == KeyState::State::committed;
                                      trace("key of write " + std::to_string(write.key) +
                                            (is_committed ? ": committed" : ": not committed"));
                                      if (was_applied && !is_committed)
                                        throw Violation("the key of write " + std::to_string(write.key) +
                                                        ", which was applied, is not known");
                                      if (was_refused && is_committed && write.answered == write.sent &&
                                          write.outcome == Outcome::not_applied)
                                        throw Violation("the key of write " + std::to_string(write.key) +
                                                        ", which was refused, is committed");
                                      if (is_committed) see_applied(write, *state->receipt);
                                    });
}

void World::read_once(int client) {
  const bool linearizable = scheduler_.random.chance(700);
  const auto node =
      static_cast<std::size_t>(scheduler_.random.between(0, static_cast<std::int64_t>(hosts_.size()) - 1));
  read_from(coordinator_for_client(), linearizable, linearizable ? "" : hosts_[node]->config.id,
            [this, client] { run_client(client); });
}

void World::read_from(MultiDbCoordinator& coordinator, bool linearizable, const NodeId& node,
                      std::function<void()> then) {
  const std::int64_t floor = linearizable ? acknowledged_ : 0;
  const auto deadline = deadline_at(scheduler_.now_us() + scheduler_.random.between(100'000, 2 * kSecond));
  coordinator.query(
      {.sql = "SELECT value FROM counter WHERE id = 1", .parameters = {}},
      linearizable ? ReadConsistency::linearizable : ReadConsistency::local, 0, deadline,
      [this, floor, linearizable, then = std::move(then)](const Result<QueryAnswer>& answer) {
        if (answer) {
          ++summary_.reads;
          const auto value = std::get<std::int64_t>(answer->result.rows.at(0).at(0));
          trace("read " + std::to_string(value) + " on " + answer->node);
          check_read(value, floor, linearizable ? "linearizable" : "local");
          if (linearizable) acknowledged_ = std::max(acknowledged_, value);
        }
        then();
      },
      node);
}

// Asks one that still believes in its leadership, again and again, while its successor takes writes.
void World::question(Host& former) {
  if (!is_up(former) || !former.node->leads() || !disturbs_) return;
  read_from(coordinator_of(former), true, "", [] {});
  later(20'000, [this, &former] { question(former); });
}

}  // namespace quorate::sim
