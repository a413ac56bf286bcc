// Queries whose rows are taken piece by piece. Between two pieces no thread is held, only a cursor of the engine; each
// piece is one short task on the node's readers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/cluster_config.hpp"
#include "core/engine.hpp"
#include "core/executor.hpp"

namespace quorate {

// What the one who reads holds. It may outlive the node, which then has ended it.
class QueryStream {
 public:
  struct State;
  explicit QueryStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~QueryStream();  // ends it. Any thread; never blocks
  QueryStream(const QueryStream&) = delete;
  QueryStream& operator=(const QueryStream&) = delete;

  const ResultHead& head() const;
  const std::string& node() const;  // whose content is read

  // Any thread; returns at once; not again before it was answered, nor after a failure or the last piece. The callback is
  // called exactly once, on a thread of the core, and must not block. Errors: those of Cursor::next(), and why the node
  // has ended the stream.
  void next(std::move_only_function<void(Result<ResultPiece>)> done);

 private:
  std::shared_ptr<State> state_;
};

// The streams of one node. Any thread.
class QueryStreams {
 public:
  // The engine and the executor must stay valid until end_all(), and then until the executor's tasks are gone.
  QueryStreams(std::string node, StorageEngine& engine, Executor& readers, const CoreLimits& limits);
  ~QueryStreams();  // end_all() was called

  // Blocks; a task of the readers. The first piece must be there by the query's deadline. Errors: those of
  // StorageEngine::open_cursor(); overloaded.
  Result<std::unique_ptr<QueryStream>> open(Query query);

  // Ends those that have lasted too long, so that the database need not keep for ever what they see.
  void end_expired(std::int64_t now_us);

  // Ends all and refuses further ones. What runs is interrupted, not waited for: the executor does that when it stops.
  void end_all(const Error& why);

  std::size_t count() const { return *count_; }  // cursors that are open

 private:
  const std::string node_;
  StorageEngine& engine_;
  Executor& readers_;
  const CoreLimits limits_;
  const std::shared_ptr<std::atomic<std::size_t>> count_;

  std::mutex mutex_;
  std::optional<Error> ended_;                              // guarded by mutex_
  std::vector<std::weak_ptr<QueryStream::State>> streams_;  // guarded by mutex_; some are over
};

}  // namespace quorate
