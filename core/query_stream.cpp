#include "core/query_stream.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/sure_callback.hpp"

namespace quorate {
namespace {

// A piece is sent with fewer rows than it could have when they come more slowly than this.
constexpr std::int64_t kPieceUs = 50'000;

// Counts while it lives.
class CountedCursor {
 public:
  CountedCursor(std::unique_ptr<Cursor> cursor, std::shared_ptr<std::atomic<std::size_t>> count)
      : cursor_(std::move(cursor)), count_(std::move(count)) {}
  CountedCursor(CountedCursor&&) = default;
  CountedCursor& operator=(CountedCursor&&) = delete;
  ~CountedCursor() {
    cursor_.reset();
    if (count_) --*count_;
  }
  Cursor* operator->() const { return cursor_.get(); }

 private:
  std::unique_ptr<Cursor> cursor_;
  std::shared_ptr<std::atomic<std::size_t>> count_;
};

}  // namespace

struct QueryStream::State : std::enable_shared_from_this<State> {
  void next(SureCallback<ResultPiece> done);
  void read(SureCallback<ResultPiece> done);
  void end(const Error& why);
  Result<ResultPiece> or_why_ended(Result<ResultPiece> piece);
  PieceLimits piece_limits();

  // Constant.
  std::string node;
  ResultHead head;
  std::int64_t piece_time_us = 0;
  std::int64_t expires_us = 0;

  std::mutex mutex;                       // guards what follows
  Executor* readers = nullptr;            // good until `ended`
  std::unique_ptr<CountedCursor> cursor;  // until `ended`; while it is read from, until that is over
  bool reading = false;
  std::int64_t first_piece_us = 0;  // when it must be there; 0: it has been asked for
  std::optional<Error> ended;
};

void QueryStream::State::next(SureCallback<ResultPiece> done) {
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex);
    error = ended;
    if (!error) {
      readers->post(
          [self = shared_from_this(), done = std::move(done)]() mutable { self->read(std::move(done)); });
      return;
    }
  }
  done(std::unexpected(std::move(*error)));
}

PieceLimits QueryStream::State::piece_limits() {
  const std::int64_t now = readers->now_us();
  std::int64_t deadline_us = std::min(now + piece_time_us, expires_us);
  const std::int64_t first = std::exchange(first_piece_us, 0);
  if (first != 0) deadline_us = std::min(deadline_us, first);
  return {.enough = deadline_at(now + kPieceUs), .deadline = deadline_at(deadline_us)};
}

void QueryStream::State::read(SureCallback<ResultPiece> done) {
  PieceLimits limits;
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex);
    error = ended;
    if (!error) {
      reading = true;
      limits = piece_limits();
    }
  }
  if (error) return done(std::unexpected(std::move(*error)));
  Result<ResultPiece> piece = (*cursor)->next(limits);
  std::unique_ptr<CountedCursor> over;
  {
    const std::lock_guard lock(mutex);
    reading = false;
    if (ended) piece = std::unexpected(*ended);
    if (!piece || piece->last) {
      ended = piece ? Error{.message = "The stream has been read to its end."} : piece.error();
      over = std::move(cursor);
    }
  }
  over.reset();  // before the answer, so that who has read all of one stream may open another
  done(std::move(piece));
}

void QueryStream::State::end(const Error& why) {
  const std::lock_guard lock(mutex);
  if (ended) return;
  ended = why;
  if (reading) return (*cursor)->interrupt();  // read() destroys it
  // Closing a connection is work for a reader's thread.
  readers->post([over = std::move(cursor)] {});
}

// A reading that the stopped executor has dropped fails for the reason for which the stream was ended before.
Result<ResultPiece> QueryStream::State::or_why_ended(Result<ResultPiece> piece) {
  const std::lock_guard lock(mutex);
  if (!piece && ended) return std::unexpected(*ended);
  return piece;
}

QueryStream::~QueryStream() {
  state_->end({.message = "Nobody reads the stream any more."});
}

const ResultHead& QueryStream::head() const {
  return state_->head;
}
const std::string& QueryStream::node() const {
  return state_->node;
}

void QueryStream::next(std::move_only_function<void(Result<ResultPiece>)> done) {
  state_->next(SureCallback<ResultPiece>([state = state_, done = std::move(done)](auto piece) mutable {
    done(state->or_why_ended(std::move(piece)));
  }));
}

QueryStreams::QueryStreams(std::string node, StorageEngine& engine, Executor& readers,
                           const CoreLimits& limits)
    : node_(std::move(node)),
      engine_(engine),
      readers_(readers),
      limits_(limits),
      count_(std::make_shared<std::atomic<std::size_t>>(0)) {}

QueryStreams::~QueryStreams() = default;

Result<std::unique_ptr<QueryStream>> QueryStreams::open(Query query) {
  if (count_->fetch_add(1) >= limits_.streams) {
    --*count_;
    return fail(ErrorCode::overloaded, "Node " + node_ + " has " + std::to_string(limits_.streams) +
                                           " result streams open already. Try again a little later.");
  }
  const std::int64_t first_piece_us = to_us(query.deadline);
  Result<std::unique_ptr<Cursor>> cursor = engine_.open_cursor(std::move(query));
  if (!cursor) {
    --*count_;
    return std::unexpected(std::move(cursor.error()));
  }
  CountedCursor counted(std::move(*cursor), count_);
  auto state = std::make_shared<QueryStream::State>();
  state->node = node_;
  state->head = counted->head();
  state->piece_time_us = to_us(limits_.statement_time);
  state->expires_us = readers_.now_us() + to_us(limits_.stream_time);
  state->readers = &readers_;
  state->first_piece_us = first_piece_us;
  const std::lock_guard lock(mutex_);
  if (ended_) return std::unexpected(*ended_);
  state->cursor = std::make_unique<CountedCursor>(std::move(counted));
  std::erase_if(streams_, [](const auto& stream) { return stream.expired(); });
  streams_.push_back(state);
  return std::make_unique<QueryStream>(std::move(state));
}

void QueryStreams::end_expired(std::int64_t now_us) {
  const std::lock_guard lock(mutex_);
  for (const auto& weak : streams_) {
    const auto stream = weak.lock();
    if (!stream || stream->expires_us > now_us) continue;
    stream->end({.code = ErrorCode::statement_timeout,
                 .message = "The stream lasted longer than " + std::to_string(limits_.stream_time.count()) +
                            " ms. Read faster, or in parts by key."});
  }
}

void QueryStreams::end_all(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!ended_) ended_ = why;
  for (const auto& weak : streams_) {
    if (const auto stream = weak.lock()) stream->end(why);
  }
  streams_.clear();
}

}  // namespace quorate
