#include "engines/memory/memory_engine.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <mutex>

#include "engines/memory/executor.hpp"
#include "engines/memory/memory_cursor.hpp"
#include "engines/memory/memory_file.hpp"
#include "engines/memory/memory_reader.hpp"
#include "engines/memory/parser.hpp"

namespace quorate {
namespace {

Deadline deadline_after(std::chrono::microseconds time) {
  return time == std::chrono::microseconds::max() ? Deadline::max() : std::chrono::steady_clock::now() + time;
}

// Of one run.
Result<void> check_row_count(const Statement& statement, const ParsedStatement& parsed,
                             const StatementResult& result) {
  const bool reads = std::holds_alternative<Select>(parsed.statement);
  const std::int64_t rows = reads ? static_cast<std::int64_t>(result.rows.size()) : result.rows_affected;
  if (statement.expect_rows) {
    if (rows == *statement.expect_rows) return {};
    return fail(ErrorCode::row_count_mismatch, "The statement affected " + std::to_string(rows) +
                                                   " rows, but " + std::to_string(*statement.expect_rows) +
                                                   " were expected.");
  }
  if (rows == 0 && conflicts_without_rows(parsed) && !statement.allow_no_rows) {
    return fail(ErrorCode::version_conflict, "The statement touched no row: what it looked for has changed.");
  }
  return {};
}

// Calls run_with(parameters) for each row; one result for all.
template <typename RunWith>
Result<StatementResult> run_rows(const ParsedStatement& parsed, const ParameterRows& rows, RunWith run_with) {
  if (std::holds_alternative<CreateTable>(parsed.statement) ||
      std::holds_alternative<DropTable>(parsed.statement))
    return takes_no_rows();
  const auto places = match_rows(parsed.placeholders, rows);
  if (!places) return std::unexpected(places.error());
  StatementResult all;
  Row values(rows.width());
  std::vector<const Value*> parameters;
  for (const std::size_t place : *places) parameters.push_back(&values[place]);
  ParameterRowsReader reader(rows);
  for (std::size_t i = 0; reader.next(); ++i) {
    std::ranges::transform(reader.row(), values.begin(), to_value);
    Result<StatementResult> done = run_with(parameters);
    if (!done) {
      done.error().params_index = i;
      return done;
    }
    all.rows_affected += done->rows_affected;
    all.last_insert_id = done->last_insert_id;
    all.columns = std::move(done->columns);
    std::ranges::move(done->rows, std::back_inserter(all.rows));
  }
  return all;
}

void keep(MemoryContent& content, const std::vector<KeyedOutcome>& outcomes) {
  const std::int64_t now_us = content.meta->clock_us;
  std::vector<std::string> over;
  content.outcomes.for_each([&](const std::string& key, const MemoryOutcome& outcome) {
    if (outcome.expires_us <= now_us) over.push_back(key);
    return true;
  });
  for (const std::string& key : over) content.outcomes.erase(key);
  for (const KeyedOutcome& outcome : outcomes) {
    content.outcomes.set(outcome.key, {.expires_us = now_us + outcome.keep_us, .bytes = outcome.bytes});
  }
}

}  // namespace

Result<void> MemoryEngine::check_fault(std::string_view operation) const {
  if (!disk_->fault) return {};
  if (std::optional<Error> error = disk_->fault(operation)) return std::unexpected(std::move(*error));
  return {};
}

Result<void> MemoryEngine::execute(const std::string& sql) {
  if (held_) return fail(ErrorCode::internal, "A batch is prepared; nothing else can be executed.");
  MemoryContent content = *disk_->current();
  PrepareLimits limits;
  TimedTransaction timed;
  timed.transaction.statements.push_back({.sql = sql, .parameters = {}, .allow_no_rows = true});
  const Result<TransactionResult> result = run(content, timed, limits);
  if (!result) return std::unexpected(result.error());
  disk_->commit(std::make_shared<const MemoryContent>(std::move(content)));
  return {};
}

Result<std::optional<ClusterMeta>> MemoryEngine::read_meta() {
  return disk_->current()->meta;
}

Result<void> MemoryEngine::write_meta(const ClusterMeta& meta) {
  if (auto fault = check_fault("write_meta"); !fault) return fault;
  MemoryContent content = *disk_->current();
  content.meta = meta;
  disk_->commit(std::make_shared<const MemoryContent>(std::move(content)));
  disk_->flush();
  return {};
}

Result<bool> MemoryEngine::is_empty() {
  return disk_->current()->tables.empty();
}

// Runs one transaction on the content; on failure the content is half-changed. Leaves its changes in changes_.
Result<TransactionResult> MemoryEngine::run(MemoryContent& content, const TimedTransaction& timed,
                                            const PrepareLimits& limits) {
  TransactionRandom random(timed.seed);
  ResultBudget budget(limits.max_rows, limits.bytes_for(timed.transaction));
  Execution execution;
  execution.scope = {.clock_us = timed.clock_us, .random = &random};
  execution.deadline = deadline_after(limits.statement_time);
  execution.corrupt = disk_->corrupt_next_batch;
  changes_.reset();
  TransactionResult result;
  for (std::size_t i = 0; i < timed.transaction.statements.size(); ++i) {
    const Statement& statement = timed.transaction.statements[i];
    const auto failed = [i](Error error) {
      error.statement = i;
      return std::unexpected(std::move(error));
    };
    const auto parsed = statements_.get(statement.sql);
    if (!parsed) return failed(parsed.error());
    const auto run_with = [&](const std::vector<const Value*>& parameters) -> Result<StatementResult> {
      execution.scope.parameters = &parameters;
      Result<StatementResult> done = run_statement(content, **parsed, execution, changes_, budget);
      if (!done) return done;
      if (auto counted = check_row_count(statement, **parsed, *done); !counted)
        return std::unexpected(counted.error());
      return done;
    };
    Result<StatementResult> done = StatementResult{};
    if (!statement.rows.empty()) {
      done = run_rows(**parsed, statement.rows, run_with);
    } else {
      const auto parameters = match_parameters((*parsed)->placeholders, statement.parameters);
      if (!parameters) return failed(parameters.error());
      done = run_with(*parameters);
    }
    if (!done) return failed(done.error());
    result.statements.push_back(std::move(*done));
  }
  if (execution.schema_changed) feed_schema(content, changes_);
  disk_->corrupt_next_batch = execution.corrupt;
  return result;
}

Result<BatchOutcome> MemoryEngine::prepare(const Batch& batch, const PrepareLimits& limits) {
  if (auto fault = check_fault("prepare"); !fault) return std::unexpected(fault.error());
  if (held_ || !disk_->current()->meta)
    return fail(ErrorCode::internal, "prepare() needs a meta, and nothing held.");
  held_ = *disk_->current();
  batch_changes_.reset();
  has_changes_ = false;
  return hold(batch, limits);
}

Result<std::optional<BatchOutcome>> MemoryEngine::extend(const Batch& more, const PrepareLimits& limits) {
  if (!held_) return fail(ErrorCode::internal, "extend() needs a prepared batch.");
  if (auto fault = check_fault("prepare"); !fault) {
    held_.reset();
    return std::unexpected(fault.error());
  }
  return hold(more, limits);
}

BatchOutcome MemoryEngine::hold(const Batch& batch, const PrepareLimits& limits) {
  MemoryContent& content = *held_;
  BatchOutcome outcome;
  for (const TimedTransaction& given : batch) {
    TimedTransaction timed = given;
    timed.clock_us = std::max(given.clock_us, content.meta->clock_us);
    MemoryContent attempt = content;
    outcome.transactions.push_back(run(attempt, timed, limits));
    if (!outcome.transactions.back()) continue;
    attempt.meta->clock_us = timed.clock_us;
    content = std::move(attempt);
    batch_changes_.add_digest(changes_.finish());
    has_changes_ = true;
  }
  if (has_changes_) content.meta->digest = chain(disk_->current()->meta->digest, batch_changes_.finish());
  outcome.digest = content.meta->digest;
  return outcome;
}

Result<void> MemoryEngine::commit(Position position, const MetaChange& change) {
  if (!held_) return fail(ErrorCode::internal, "commit() needs a prepared batch.");
  MemoryContent content = std::move(*held_);
  held_.reset();
  if (auto fault = check_fault("commit"); !fault) return fault;
  content.meta->applied = position;
  if (change.mode) content.meta->mode = *change.mode;
  if (change.membership) content.meta->membership = *change.membership;
  if (!change.outcomes.empty()) keep(content, change.outcomes);
  disk_->commit(std::make_shared<const MemoryContent>(std::move(content)));
  return {};
}

Result<std::optional<std::string>> MemoryEngine::find_outcome(const std::string& key) {
  const MemoryDisk::Version version = disk_->current();
  const MemoryOutcome* outcome = version->outcomes.find(key);
  if (outcome == nullptr || outcome->expires_us <= version->meta->clock_us) return std::nullopt;
  return outcome->bytes;
}

std::pair<Position, Digest> MemoryEngine::get_version() const {
  const MemoryDisk::Version version = disk_->current();
  return version->meta ? std::pair(version->meta->applied, version->meta->digest)
                       : std::pair<Position, Digest>();
}

Result<std::uint64_t> MemoryEngine::flush() {
  if (auto fault = check_fault("flush"); !fault) return std::unexpected(fault.error());
  disk_->flush();
  return get_version().first.index;
}

Result<void> MemoryEngine::save(const MemoryContent& content, const std::filesystem::path& target) {
  return save_content(content, target);
}
Result<MemoryContent> MemoryEngine::load(const std::filesystem::path& source) {
  return load_content(source);
}

Result<Position> MemoryEngine::snapshot(const std::filesystem::path& target) {
  if (auto fault = check_fault("snapshot"); !fault) return std::unexpected(fault.error());
  const MemoryDisk::Version version = disk_->current();
  if (auto saved = save(*version, target); !saved) return std::unexpected(saved.error());
  return version->meta ? version->meta->applied : Position{};
}

Result<Position> MemoryEngine::backup(const std::filesystem::path& target) {
  MemoryContent content = *disk_->current();
  const Position position = content.meta ? content.meta->applied : Position{};
  content.meta.reset();
  content.outcomes = {};
  if (auto saved = save(content, target); !saved) return std::unexpected(saved.error());
  return position;
}

Result<void> MemoryEngine::make_snapshot_of(const std::filesystem::path& file, const ClusterMeta& meta,
                                            const std::vector<KeyedOutcome>& outcomes) {
  if (auto fault = check_fault("snapshot"); !fault) return fault;
  Result<MemoryContent> content = load(file);
  if (!content) return std::unexpected(content.error());
  content->meta = meta;
  content->outcomes = {};
  keep(*content, outcomes);
  return save(*content, file);
}

Result<void> MemoryEngine::restore(const std::filesystem::path& source) {
  if (held_) return fail(ErrorCode::internal, "A batch is prepared; the content cannot be replaced.");
  if (auto fault = check_fault("restore"); !fault) return fault;
  Result<MemoryContent> content = load(source);
  if (!content) return std::unexpected(content.error());
  if (!content->meta) return fail(ErrorCode::corrupt, source.string() + " belongs to no cluster.");
  if (const MemoryDisk::Version own = disk_->current(); own->meta) {
    content->meta->node_id = own->meta->node_id;
    content->meta->role = own->meta->role;
  }
  disk_->replace(std::make_shared<const MemoryContent>(std::move(*content)));
  return {};
}

Result<std::unique_ptr<Reader>> MemoryEngine::open_reader() {
  return std::make_unique<MemoryReader>(disk_);
}

Result<std::unique_ptr<Cursor>> MemoryEngine::open_cursor(Query query) {
  const auto parsed = parse_statement(query.sql);
  if (!parsed) return std::unexpected(parsed.error());
  query.deadline = Deadline::max();
  auto selection = select_as_reader(*disk_->current(), *parsed, query);
  if (!selection) return std::unexpected(selection.error());
  return std::make_unique<MemoryCursor>(std::move(*selection), query.max_rows, query.max_bytes);
}

Result<std::unique_ptr<StorageEngine>> open_memory_engine(const EngineOptions& options) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<MemoryDisk>> disks;
  const std::lock_guard lock(mutex);
  std::shared_ptr<MemoryDisk>& disk = disks[options.uri];
  if (!disk) disk = std::make_shared<MemoryDisk>();
  return std::make_unique<MemoryEngine>(disk);
}

}  // namespace quorate
