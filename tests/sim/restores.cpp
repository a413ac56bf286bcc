// A restore in calm, with a node that crashes or loses its files in the middle: afterwards every node has the restored
// content and nothing of what was written since it was taken.
#include <algorithm>

#include "engines/memory/memory_file.hpp"
#include "tests/sim/world.hpp"

namespace quorate::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr int kMostTries = 10;
constexpr const char* kMarker = "marker";

}  // namespace

template <typename Answer>
void World::await(const std::optional<Answer>& answer) {
  if (!run_until_true([&answer] { return answer.has_value(); }, 20 * kSecond))
    throw Violation("no progress: a request is never answered although all is calm");
}

// Asks until it is answered by a leader.
Result<std::uint64_t> World::send_restore(const RestoreRecord& record) {
  const std::int64_t end = scheduler_.now_us() + 20 * kSecond;
  while (scheduler_.now_us() < end) {
    auto answer = std::make_shared<std::optional<Result<std::uint64_t>>>();
    coordinator_for_client().restore(record, deadline_at(scheduler_.now_us() + 2 * kSecond),
                                     [answer](Result<std::uint64_t> index) { *answer = std::move(index); });
    await(*answer);
    const bool again = !**answer && ((*answer)->error().code == ErrorCode::no_leader ||
                                     (*answer)->error().outcome == Outcome::unknown ||
                                     (*answer)->error().code == ErrorCode::leadership_lost ||
                                     (*answer)->error().code == ErrorCode::deadline_exceeded);
    if (!again) return **answer;
    run_until(scheduler_.now_us() + 100'000);
  }
  throw Violation("no progress: a piece of a restore is not taken although all is calm");
}

Result<std::uint64_t> World::send_restore(const std::string& file, const RestoreEnd& end, bool may_strike) {
  const auto strike_at =
      static_cast<std::size_t>(scheduler_.random.between(0, static_cast<std::int64_t>(file.size())));
  bool struck = !may_strike || scheduler_.random.chance(300);
  for (std::size_t offset = 0; offset < file.size();) {
    const auto size =
        static_cast<std::size_t>(scheduler_.random.between(1, static_cast<std::int64_t>(file.size())));
    RestoreRecord piece{.offset = offset, .bytes = file.substr(offset, size)};
    if (auto sent = send_restore(piece); !sent) return sent;
    offset += piece.bytes.size();
    if (scheduler_.random.chance(50)) {  // somebody else begins a restore
      if (auto sent = send_restore({.offset = 0, .bytes = "another file"}); !sent) return sent;
    }
    if (struck || offset < strike_at) continue;
    struck = true;
    Host& host = any_host();
    if (!is_up(host) || host.is_witness) continue;
    if (&host != leader() && decided_membership()->voters() > 2 && scheduler_.random.chance(500)) {
      wipe(host);
    } else {
      crash(host, true);
    }
  }
  return send_restore({.end = end});
}

// A linearizable read that begins after the restore was answered does not see what it has replaced.
void World::check_not_marked() {
  const std::int64_t end = scheduler_.now_us() + 20 * kSecond;
  for (bool told = false; !told;) {
    if (scheduler_.now_us() > end) throw Violation("no progress: nothing can be read after a restore");
    auto answer = std::make_shared<std::optional<Result<QueryAnswer>>>();
    coordinator_for_client().query({.sql = std::string("SELECT id FROM ") + kMarker},
                                   ReadConsistency::linearizable, 0,
                                   deadline_at(scheduler_.now_us() + 2 * kSecond),
                                   [answer](Result<QueryAnswer> result) { *answer = std::move(result); });
    await(*answer);
    if (**answer) throw Violation("a linearizable read saw what a restore had replaced before");
    told = (*answer)->error().code == ErrorCode::sql_error;
  }
}

void World::check_restore() {
  const Host* source = leader();
  if (source == nullptr || !scheduler_.random.chance(300)) return;
  const std::string file = encode_content(*source->disk->current());
  trace("a restore of what " + source->config.id + " has");
  // What is written after this is not to be there any more.
  auto done = std::make_shared<bool>(false);
  Transaction transaction{.id = "marker"};
  transaction.statements = {{.sql = std::string("CREATE TABLE ") + kMarker + " (id INTEGER PRIMARY KEY)"}};
  coordinator_for_client().write(std::move(transaction), deadline_at(scheduler_.now_us() + 10 * kSecond),
                                 [done](const auto& receipt) {
                                   if (!receipt)
                                     throw Violation("a write in calm failed: " + receipt.error().message);
                                   *done = true;
                                 });
  run_until_done(*done, 20 * kSecond, "a write in calm");

  const RestoreEnd end{.token = {scheduler_.random.next(), scheduler_.random.next()},
                       .total_bytes = file.size(),
                       .digest = digest_of(file)};
  Result<std::uint64_t> index = send_restore(file, end, true);
  for (int tries = 1; !index && tries < kMostTries; ++tries) {  // the new leader has not got all of it
    if (index.error().code != ErrorCode::node_unavailable) break;
    run_until(scheduler_.now_us() + kSecond);
    index = send_restore(file, end, false);  // a second node's loss might be one too many
  }
  if (!index) throw Violation("a restore in calm failed: " + index.error().message);
  ++summary_.restores;
  check_not_marked();
  const Result<std::uint64_t> again = send_restore({.end = end});
  if (!again || *again != *index) throw Violation("a restore that is asked for again is not the same");
  run_until(scheduler_.now_us() + 5 * kSecond);
  check_membership();
  const auto has_marker = [](const auto& host) {
    return !host->is_witness && host->disk->current()->tables.find(kMarker) != nullptr;
  };
  // A node that was away may fetch the content slowly.
  if (!run_until_true([&] { return std::ranges::none_of(hosts_, has_marker); }, 20 * kSecond)) {
    const auto& host = *std::ranges::find_if(hosts_, has_marker);
    throw Violation(host->config.id + " has what a restore should have replaced");
  }
  run_until(scheduler_.now_us() + kSecond);  // the entry that opened the last leader's term is everywhere
}

}  // namespace quorate::sim
