#include "server/result_body.hpp"

#include "server/await_result.hpp"
#include "server/problem.hpp"

namespace quorate {

boost::asio::awaitable<Result<ResultPiece>> await_piece(QueryStream& stream) {
  auto start = [&stream](MultiDbCoordinator::Callback<ResultPiece> done) { stream.next(std::move(done)); };
  co_return co_await await_result<ResultPiece>(std::move(start));
}

boost::asio::awaitable<BodyStream::Then> ResultBody::next(std::string& out) {
  if (begun_) {
    Result<ResultPiece> piece = co_await await_piece(*stream_);
    if (!piece) {
      failure_ = std::move(piece.error());
      format_->failure(out, problem_response(failure_, request_id_).body);
      co_return Then::cut;
    }
    piece_ = std::move(*piece);
  } else {
    format_->begin(out, stream_->head(), stream_->node());
    begun_ = true;
  }
  for (const Row& row : piece_.rows) format_->row(out, row);
  rows_ += piece_.rows.size();
  piece_.rows.clear();
  if (!piece_.last) co_return Then::more;
  format_->end(out, rows_, piece_.truncated);
  co_return Then::end;
}

BodyTrailers ResultBody::trailers() const {
  return {{kRowsTrailer, std::to_string(rows_)}};
}

}  // namespace quorate
