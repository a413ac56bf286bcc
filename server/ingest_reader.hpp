// Cuts an upload into lines, each a row of parameters in JSON, and gathers the rows into pieces: one transaction each. The
// same bytes give the same pieces, however they arrive.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "server/body_source.hpp"
#include "server/json_reader.hpp"
#include "server/parameter_rows_json.hpp"

namespace quorate {

inline constexpr std::size_t kIngestPieceBytes = 4UL * 1024 * 1024;
inline constexpr std::size_t kIngestLineBytes = 16UL * 1024 * 1024;

struct IngestPiece {
  ParameterRows rows;
  std::vector<std::uint64_t> lines;  // of the rows, from 1
};

// What is wrong, and with which line.
struct IngestFailure {
  Error error;
  std::optional<std::uint64_t> line = {};
};

// Runs on the connection's strand.
class IngestReader {
 public:
  struct Limits {
    // A piece that has come to one of these is whole; without them, the whole upload is.
    std::size_t piece_rows = std::numeric_limits<std::size_t>::max();
    std::size_t piece_bytes = std::numeric_limits<std::size_t>::max();
    std::size_t upload_bytes = std::numeric_limits<std::size_t>::max();
    JsonLimits json;
    ParameterRowsLimits rows;  // of one piece
  };

  // The source must outlive it.
  IngestReader(BodySource& source, const Limits& limits)
      : source_(source), limits_(limits), builder_(limits.rows) {}

  // The next piece, if the bytes at hand hold all of it; otherwise more must be read, unless it is over. Errors:
  // malformed_request, limit_exceeded.
  std::expected<std::optional<IngestPiece>, IngestFailure> take();
  // True when there will be no further piece.
  bool is_over() const { return ended_ && text_.empty() && lines_.empty(); }

  // True when read() would not have to wait.
  bool is_ready() { return source_.is_ready(); }
  boost::asio::awaitable<std::expected<void, IngestFailure>> read();

 private:
  std::expected<void, IngestFailure> take_line(std::string_view line);

  BodySource& source_;
  const Limits limits_;
  ParameterRowsBuilder builder_;
  std::string text_;  // what has arrived and is not yet taken
  std::size_t read_bytes_ = 0;
  bool ended_ = false;
  std::uint64_t line_ = 0;            // the last one taken
  std::vector<std::uint64_t> lines_;  // of the rows in the builder
};

}  // namespace quorate
