// Reads: waiting for an index, running queries on borrowed readers, digesting the content at a barrier.
#include <algorithm>
#include <utility>

#include "core/db_node.hpp"

namespace quorate {
namespace {

Result<QueryResult> read_with(Reader& reader, const Query& query) {
  if (query.kind == QueryKind::statement) return reader.query(query);
  const Result<SchemaDescription> schema = reader.describe_tables(query.sql, query.deadline);
  if (!schema) return std::unexpected(schema.error());
  return to_rows(*schema, query);
}

}  // namespace

template <typename T>
void DbNode::read_when_applied(Index min_index, std::int64_t deadline_us, Result<T> (DbNode::*read)(Query&),
                               Query query, std::move_only_function<void(Result<T>)> done) {
  if (queries_waiting_.fetch_add(1) >= options_.limits.waiting_reads) {
    --queries_waiting_;
    return done(fail(ErrorCode::overloaded, "Too many reads are waiting. Try again a little later."));
  }
  auto counted = [this, done = std::move(done)](Result<T> answer) mutable {
    --queries_waiting_;
    done(std::move(answer));
  };
  when_applied(
      min_index, deadline_us,
      [this, read, query = std::move(query), done = std::move(counted)](Result<void> reached) mutable {
        if (!reached) return done(std::unexpected(reached.error()));
        options_.readers.post([this, read, query = std::move(query), done = std::move(done)]() mutable {
          done((this->*read)(query));
        });
      });
}

void DbNode::query(Query query, Index min_index, std::int64_t deadline_us,
                   std::move_only_function<void(Result<QueryAnswer>)> done) {
  read_when_applied(min_index, deadline_us, &DbNode::run_query, std::move(query), std::move(done));
}

std::optional<Result<QueryAnswer>> DbNode::query_at_once(Query& query, Index min_index) {
  if (applied_index_ < min_index || !query_times_.is_short(query.sql)) return std::nullopt;
  const Deadline deadline = query.deadline;
  const Deadline soon = std::chrono::steady_clock::now() + kAtOnce;
  query.deadline = std::min(deadline, soon);
  auto answer = run_query(query);
  query.deadline = deadline;
  const bool is_cut = !answer && answer.error().code == ErrorCode::statement_timeout && soon < deadline;
  return is_cut ? std::nullopt : std::optional(std::move(answer));
}

void DbNode::open_stream(Query query, Index min_index, std::int64_t deadline_us,
                         std::move_only_function<void(Result<std::unique_ptr<QueryStream>>)> done) {
  read_when_applied(min_index, deadline_us, &DbNode::begin_stream, std::move(query), std::move(done));
}

void DbNode::backup(std::filesystem::path target, std::move_only_function<void(Result<Position>)> done) {
  options_.readers.post([this, target = std::move(target), done = std::move(done)]() mutable {
    done(options_.engine->backup(target));
  });
}

void DbNode::read_index(std::move_only_function<void(std::optional<Index>)> done) {
  driver_->read_index([done = std::move(done)](ReadAnswer answer) mutable {
    done(answer.confirmed ? std::optional(answer.index) : std::nullopt);
  });
}

void DbNode::when_applied(Index index, std::int64_t deadline_us,
                          std::move_only_function<void(Result<void>)> then) {
  if (applied_index_ < index) {
    const std::lock_guard lock(waiters_mutex_);
    // Applied in between: wake_waiters() takes the same lock after the index has moved.
    if (applied_index_ < index) {
      waiters_.emplace(index, Waiter{.deadline_us = deadline_us, .then = std::move(then)});
      return;
    }
  }
  then({});
}

void DbNode::wake_waiters() {
  std::vector<Waiter> ready;
  {
    const std::lock_guard lock(waiters_mutex_);
    const auto end = waiters_.upper_bound(applied_.index);
    for (auto waiter = waiters_.begin(); waiter != end; ++waiter) ready.push_back(std::move(waiter->second));
    waiters_.erase(waiters_.begin(), end);
  }
  for (Waiter& waiter : ready) waiter.then({});
}

void DbNode::expire_waiters(std::int64_t now_us) {
  std::vector<std::pair<Index, Waiter>> late;
  {
    const std::lock_guard lock(waiters_mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const bool due = waiter->second.deadline_us <= now_us || !is_running();
      if (due) late.emplace_back(waiter->first, std::move(waiter->second));
      waiter = due ? waiters_.erase(waiter) : std::next(waiter);
    }
  }
  for (auto& [index, waiter] : late) {
    waiter.then(fail(ErrorCode::stale_read, "Node " + id() + " has applied index " +
                                                std::to_string(applied_.index) + " and did not reach " +
                                                std::to_string(index) + " in time."));
  }
}

Result<QueryAnswer> DbNode::run_query(Query& query) {
  auto reader = borrow_reader();
  if (!reader) return std::unexpected(reader.error());
  const std::int64_t begin = options_.readers.now_us();
  auto result = read_with(**reader, query);
  query_times_.record(query.sql, options_.readers.now_us() - begin);
  give_back_reader(std::move(*reader));
  if (!result) return std::unexpected(std::move(result.error()));
  return QueryAnswer{.result = std::move(*result), .node = id()};
}

Result<std::unique_ptr<Reader>> DbNode::borrow_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!idle_readers_.empty()) {
      auto reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return options_.engine->open_reader();
}

// There are never more than the reader executor and the callers of query_at_once() have threads, and one for each running
// content digest.
void DbNode::give_back_reader(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(readers_mutex_);
  idle_readers_.push_back(std::move(reader));
}

void DbNode::verify(std::int64_t deadline_us, std::move_only_function<void(Result<VerifyReport>)> done) {
  options_.writer.post([this, deadline_us, done = std::move(done)]() mutable {
    const std::uint64_t token = options_.writer.random();
    verifications_[token] = {.deadline_us = deadline_us, .done = std::move(done)};
    const BarrierRecord barrier{
        .token = token, .requester = id(), .wall_clock_us = options_.writer.wall_clock_us()};
    submit({.kind = EntryKind::barrier,
            .payload = std::make_shared<const std::string>(encode(barrier)),
            .deadline_us = deadline_us,
            .done = [this, token](Result<WriteReceipt> receipt) {
              const auto found = verifications_.find(token);
              if (found == verifications_.end()) return;
              if (receipt) {
                found->second.index = receipt->index;
                return finish_verification(token);
              }
              auto answer = std::move(found->second.done);
              verifications_.erase(found);
              answer(std::unexpected(receipt.error()));
            }});
  });
}

// At the barrier, on the writer thread, so that nothing later is seen; the reading itself happens elsewhere.
void DbNode::report_content(const BarrierRecord& barrier, Index index) {
  constexpr std::int64_t kForgottenUs = 120'000'000;
  report_due_ = true;
  if (options_.writer.wall_clock_us() - barrier.wall_clock_us > kForgottenUs) return;  // replayed long after
  ContentReport report{.token = barrier.token,
                       .index = index,
                       .chain = options_.engine->get_version().second,
                       .content = fail(ErrorCode::io_error, "")};
  auto reader = options_.engine->open_reader();
  auto pinned = reader ? (*reader)->pin() : Result<Position>(std::unexpected(reader.error()));
  if (!pinned) {
    report.content = std::unexpected(pinned.error());
    return send(barrier.requester, std::move(report));
  }
  options_.readers.post(
      [this, to = barrier.requester, report = std::move(report), reader = std::move(*reader)]() mutable {
        report.content = reader->content_digest();
        reader->unpin();
        send(to, std::move(report));
      });
}

void DbNode::handle(const NodeId& from, ContentReport& report) {
  const auto found = verifications_.find(report.token);
  if (found == verifications_.end()) return;
  found->second.reports[from] = std::move(report);
  finish_verification(found->first);
}

void DbNode::expire_verifications(std::int64_t now_us) {
  std::vector<std::uint64_t> tokens;
  for (const auto& [token, verification] : verifications_) tokens.push_back(token);
  for (const std::uint64_t token : tokens) {
    if (verifications_.at(token).deadline_us <= now_us || verifications_.at(token).index != 0)
      finish_verification(token);
  }
}

// Answers once every reachable node has reported, or the deadline has passed.
void DbNode::finish_verification(std::uint64_t token) {
  Verification& verification = verifications_.at(token);
  const bool late = verification.deadline_us <= options_.writer.now_us();
  VerifyReport result{.index = verification.index, .equal = verification.index != 0};
  for (const Member& each : membership_.members) {
    if (each.witness) continue;
    const NodeId& member = each.id;
    VerifyReport::Node node{.id = member};
    const auto report = verification.reports.find(member);
    if (report == verification.reports.end()) {
      const bool worth_waiting = member == id() || options_.transport.is_reachable(member);
      if (!late && (verification.index == 0 || worth_waiting)) return;
      node.error = Error{.code = ErrorCode::node_unavailable,
                         .message = "Node " + member + " did not report in time."};
    } else if (!report->second.content) {
      node.error = report->second.content.error();
    } else {
      node.chain = report->second.chain;
      node.content = *report->second.content;
    }
    if (node.error) {
      result.equal = false;
      result.differences.push_back("node " + member + " could not be compared: " + node.error->message);
    }
    result.nodes.push_back(std::move(node));
  }
  compare(result);
  auto done = std::move(verification.done);
  verifications_.erase(token);
  done(std::move(result));
}

// Fills in `differences`, every node against the first that answered.
void compare(VerifyReport& report) {
  const auto answered = [](const VerifyReport::Node& node) { return !node.error; };
  const auto first = std::ranges::find_if(report.nodes, answered);
  if (first == report.nodes.end()) return;
  for (auto node = std::next(first); node != report.nodes.end(); ++node) {
    if (node->error) continue;
    const std::string pair = node->id + " differs from " + first->id;
    if (node->chain != first->chain) report.differences.push_back("the chain of transactions: " + pair);
    if (node->content.schema != first->content.schema) report.differences.push_back("the schema: " + pair);
    std::set<std::string> tables;
    for (const auto& [table, digest] : first->content.tables) tables.insert(table);
    for (const auto& [table, digest] : node->content.tables) tables.insert(table);
    for (const std::string& table : tables) {
      const auto mine = node->content.tables.find(table);
      const auto theirs = first->content.tables.find(table);
      const bool same = mine != node->content.tables.end() && theirs != first->content.tables.end() &&
                        mine->second == theirs->second;
      if (!same) report.differences.push_back("table " + table + ": " + pair);
    }
  }
  report.equal = report.equal && report.differences.empty();
}

}  // namespace quorate
