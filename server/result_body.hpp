// A query's result as a body that is made while it is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/query_stream.hpp"
#include "server/body_stream.hpp"
#include "server/result_format.hpp"

namespace quorate {

class ResultBody : public BodyStream {
 public:
  // `first` is the piece that has been read already, so that an error of the statement could still be answered with its
  // status.
  ResultBody(std::unique_ptr<QueryStream> stream, ResultPiece first, std::unique_ptr<ResultFormat> format,
             std::string request_id)
      : stream_(std::move(stream)),
        piece_(std::move(first)),
        format_(std::move(format)),
        request_id_(std::move(request_id)) {}

  boost::asio::awaitable<Then> next(std::string& out) override;
  BodyTrailers trailers() const override;
  const Error& failure() const override { return failure_; }

 private:
  const std::unique_ptr<QueryStream> stream_;
  ResultPiece piece_;
  const std::unique_ptr<ResultFormat> format_;
  const std::string request_id_;
  std::uint64_t rows_ = 0;  // written
  bool begun_ = false;
  Error failure_;
};

// The trailer field that says how many rows there were.
inline constexpr std::string_view kRowsTrailer = "Quorate-Rows";

// The stream's next piece, awaited.
boost::asio::awaitable<Result<ResultPiece>> await_piece(QueryStream& stream);

}  // namespace quorate
