#include "server/ingest_reader.hpp"

#include <utility>

namespace quorate {
namespace {

std::unexpected<IngestFailure> refuse_line(std::uint64_t line, std::string_view text,
                                           ErrorCode code = ErrorCode::malformed_request) {
  std::string message = "Line " + std::to_string(line);
  message.append(text.starts_with('/') ? ", " : "").append(text);
  return std::unexpected(IngestFailure{.error = {.code = code, .message = std::move(message)}, .line = line});
}

}  // namespace

std::expected<std::optional<IngestPiece>, IngestFailure> IngestReader::take() {
  std::size_t taken = 0;
  const auto is_full = [&] {
    return lines_.size() >= limits_.piece_rows || builder_.size_bytes() >= limits_.piece_bytes;
  };
  while (!is_full() && taken < text_.size()) {
    const std::size_t found = text_.find('\n', taken);
    const bool is_whole = found != std::string::npos;
    const std::size_t end = is_whole ? found : text_.size();
    if (end - taken > kIngestLineBytes)
      return refuse_line(line_ + 1, " is longer than " + std::to_string(kIngestLineBytes) + " bytes.",
                         ErrorCode::limit_exceeded);
    if (!is_whole && !ended_) break;
    const auto done = take_line(std::string_view(text_).substr(taken, end - taken));
    if (!done) return std::unexpected(done.error());
    taken = is_whole ? end + 1 : end;
  }
  text_.erase(0, taken);
  if (lines_.empty() || (!is_full() && !(ended_ && text_.empty()))) return std::nullopt;
  return IngestPiece{.rows = builder_.take(), .lines = std::exchange(lines_, {})};
}

std::expected<void, IngestFailure> IngestReader::take_line(std::string_view line) {
  ++line_;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  const Result<void> read = read_json_row(line, limits_.json, builder_);
  if (!read) return refuse_line(line_, ": " + read.error().message, read.error().code);
  if (builder_.failure()) return refuse_line(line_, builder_.failure()->text, builder_.failure()->code);
  lines_.push_back(line_);
  return {};
}

boost::asio::awaitable<std::expected<void, IngestFailure>> IngestReader::read() {
  Result<std::string> bytes = co_await source_.next();
  if (!bytes) co_return std::unexpected(IngestFailure{.error = std::move(bytes.error())});
  ended_ = bytes->empty();
  text_ += *bytes;
  read_bytes_ += bytes->size();
  if (read_bytes_ > limits_.upload_bytes) {
    const std::string message = "The body is larger than " + std::to_string(limits_.upload_bytes) +
                                " bytes, the most for one transaction.";
    co_return std::unexpected(
        IngestFailure{.error = {.code = ErrorCode::limit_exceeded, .message = message}});
  }
  co_return std::expected<void, IngestFailure>();
}

}  // namespace quorate
