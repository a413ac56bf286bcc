// POST /v1/ingest
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/idempotency.hpp"
#include "server/ingest.hpp"
#include "server/problem.hpp"
#include "server/services.hpp"
#include "server/transaction_json.hpp"

namespace quorate {

namespace {

void append_progress(std::string& out, const Ingest& ingest, std::uint64_t index) {
  out += "{\"rows\":";
  append_json_integer(out, ingest.rows());
  out += ",\"index\":";
  append_json_integer(out, index);
  out += "}\n";
}

// The rest of the upload is ingested while this is sent.
class IngestBody final : public BodyStream {
 public:
  IngestBody(std::unique_ptr<Ingest> ingest, Turn turn, std::uint64_t first_index, std::string request_id)
      : turn_(std::move(turn)), ingest_(std::move(ingest)), request_id_(std::move(request_id)) {
    append_progress(begin_, *ingest_, first_index);
  }

  boost::asio::awaitable<Then> next(std::string& out) override {
    if (!begin_.empty()) {
      out = std::exchange(begin_, {});
      co_return Then::more;
    }
    const Result<std::optional<WriteReceipt>> done = co_await ingest_->step();
    if (!done) {
      failure_ = done.error();
      const std::string problem = problem_response(failure_, request_id_, ingest_->problem_members()).body;
      out.append("{\"error\":").append(problem).append("}\n");
      co_return Then::cut;
    }
    if (*done) {
      append_progress(out, *ingest_, (*done)->index);
      co_return Then::more;
    }
    out += "{\"end\":true,\"rows\":";
    append_json_integer(out, ingest_->rows());
    out += ",\"transactions\":";
    append_json_integer(out, ingest_->transactions());
    out += "}\n";
    co_return Then::end;
  }
  const Error& failure() const override { return failure_; }

 private:
  Turn turn_;
  std::unique_ptr<Ingest> ingest_;
  const std::string request_id_;
  std::string begin_;
  Error failure_;
};

Result<std::string> key_of(const HttpRequest& request) {
  Result<std::optional<std::string>> key = idempotency_key_of(request);
  if (!key) return std::unexpected(std::move(key.error()));
  if (!*key) return std::string();
  if ((*key)->size() <= kMaxIngestKeyBytes) return std::move(**key);
  return fail(ErrorCode::malformed_request, "The Idempotency-Key of an ingestion has at most " +
                                                std::to_string(kMaxIngestKeyBytes) + " characters.");
}

}  // namespace

HandlerResult post_ingest(const Services& services, const HttpRequest& request) {
  Result<IngestOptions> options = decode_ingest(request, services.json_limits, services.limits);
  if (!options) co_return std::unexpected(std::move(options.error()));
  const Result<IntegerStyle> integers = integer_style(request);
  if (!integers) co_return std::unexpected(integers.error());
  Result<std::string> key = key_of(request);
  if (!key) co_return std::unexpected(std::move(key.error()));
  const Result<void> mode = check_mode(services, Transaction{.mode = options->mode});
  if (!mode) co_return std::unexpected(mode.error());
  const bool is_whole = !options->rows_per_transaction;
  if (!is_whole && !request.http_1_1)
    co_return needs_http_1_1(request, "The answer to an ingestion is streamed, which needs HTTP/1.1.");
  Turn turn(services.ingests, services.http_limits.ingests);
  if (!turn.is_ours())
    co_return fail(ErrorCode::overloaded, "Too many uploads are being ingested. Try again a little later.");

  auto ingest = std::make_unique<Ingest>(services, request, std::move(*options), std::move(*key));
  const Result<std::optional<WriteReceipt>> first = co_await ingest->step();
  if (!first) co_return problem_response(first.error(), request.context.id, ingest->problem_members());
  if (!*first) co_return fail(ErrorCode::malformed_request, "The body must hold at least one row.");
  HttpResponse response{.index = (*first)->index};
  if (is_whole) {
    append_receipt(response.body, **first, *integers);
    co_return response;
  }
  response.content_type = "application/x-ndjson";
  response.stream =
      std::make_unique<IngestBody>(std::move(ingest), std::move(turn), (*first)->index, request.context.id);
  co_return response;
}

}  // namespace quorate
