// GET /v1/backup, POST /v1/restore
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <memory>

#include "core/file.hpp"
#include "core/random_number.hpp"
#include "core/running_digest.hpp"
#include "server/await_result.hpp"
#include "server/handler_tools.hpp"
#include "server/handlers.hpp"
#include "server/services.hpp"

namespace quorate {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 512UL * 1024;
constexpr std::chrono::seconds kInstallTime{30};
constexpr std::chrono::milliseconds kInstallPause{20};

std::unexpected<Error> busy(const char* what) {
  return fail(ErrorCode::overloaded, std::string(what) + " is under way already.");
}

// The backup file has no name any more: it is gone with the descriptor.
class FileBody final : public BodyStream {
 public:
  FileBody(File file, Turn turn) : turn_(std::move(turn)), file_(std::move(file)) {}

  boost::asio::awaitable<Then> next(std::string& out) override {
    out.resize(kPieceBytes);
    const ssize_t count = ::read(file_.descriptor(), out.data(), out.size());
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0) failure_ = {.code = ErrorCode::io_error, .message = "The backup cannot be read."};
    co_return count < 0 ? Then::cut : count == 0 ? Then::end : Then::more;
  }
  const Error& failure() const override { return failure_; }

 private:
  Turn turn_;
  File file_;
  Error failure_;
};

Result<ReadConsistency> backup_consistency(const HttpRequest& request) {
  const std::string* text = request.find_query("consistency");
  if (text == nullptr || *text == "linearizable") return ReadConsistency::linearizable;
  if (*text == "local") return ReadConsistency::local;
  return fail(ErrorCode::malformed_request,
              "consistency must be \"linearizable\" or \"local\" for a backup.");
}

fs::path backup_path(const Services& services) {
  return with_suffix(services.cluster.config().nodes.front().database, ".backup");
}

// Sends the body to all nodes as it arrives. Returns what its end says.
boost::asio::awaitable<Result<RestoreEnd>> send_pieces(const Services& services, const HttpRequest& request) {
  RunningDigest digest;
  std::string gathered;
  bool is_over = false;
  while (!is_over) {
    Result<std::string> bytes = co_await request.upload->next();
    if (!bytes) co_return std::unexpected(std::move(bytes.error()));
    is_over = bytes->empty();
    gathered += *bytes;
    if (gathered.empty() || (!is_over && gathered.size() < kPieceBytes)) continue;
    RestoreRecord piece{.offset = digest.size(), .bytes = std::exchange(gathered, {})};
    digest.add(piece.bytes.data(), piece.bytes.size());
    const Deadline deadline = deadline_after(services.limits.default_timeout);
    auto start = [&](MultiDbCoordinator::Callback<std::uint64_t> done) {
      services.coordinator.restore(std::move(piece), deadline, std::move(done), request.context);
    };
    Result<std::uint64_t> sent = co_await await_result<std::uint64_t>(std::move(start));
    if (sent) continue;
    sent.error().outcome = Outcome::not_applied;  // whatever became of the piece: the content is as it was
    co_return std::unexpected(std::move(sent.error()));
  }
  co_return RestoreEnd{
      .token = {random_number(), random_number()}, .total_bytes = digest.size(), .digest = digest.digest()};
}

// The index of what is read so.
boost::asio::awaitable<Result<std::uint64_t>> read_index(const Services& services,
                                                         ReadConsistency consistency, std::uint64_t min_index,
                                                         Deadline deadline) {
  auto start = [&](MultiDbCoordinator::Callback<QueryAnswer> done) {
    services.coordinator.query({.kind = QueryKind::schema, .sql = {}}, consistency, min_index, deadline,
                               std::move(done));
  };
  const Result<QueryAnswer> answer = co_await await_result<QueryAnswer>(std::move(start));
  if (!answer) co_return std::unexpected(answer.error());
  co_return answer->result.index;
}

// Until the restored content is served again, or not within the time.
boost::asio::awaitable<void> wait_for_content(const Services& services, std::uint64_t index) {
  const Deadline deadline = deadline_after(kInstallTime);
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  bool is_there = false;
  while (!is_there && std::chrono::steady_clock::now() < deadline) {
    pause.expires_after(kInstallPause);
    co_await pause.async_wait(boost::asio::use_awaitable);
    const Deadline soon = std::min(deadline, deadline_after(services.limits.default_timeout));
    const Result<std::uint64_t> seen =
        co_await read_index(services, ReadConsistency::linearizable, index, soon);
    is_there = seen.has_value();
  }
}

}  // namespace

HandlerResult get_backup(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {"consistency"});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Result<ReadConsistency> consistency = backup_consistency(request);
  if (!consistency) co_return std::unexpected(consistency.error());
  if (!request.http_1_1) co_return needs_http_1_1(request, "A backup is streamed, which needs HTTP/1.1.");
  Turn turn(services.backups, 1);
  if (!turn.is_ours()) co_return busy("A backup");
  if (*consistency == ReadConsistency::linearizable) {
    const Deadline deadline = deadline_after(services.limits.default_timeout);
    const Result<std::uint64_t> index = co_await read_index(services, *consistency, 0, deadline);
    if (!index) co_return std::unexpected(index.error());
    const Result<std::uint64_t> reached =
        co_await read_index(services, ReadConsistency::local, *index, deadline);
    if (!reached) co_return std::unexpected(reached.error());
  }
  const fs::path path = backup_path(services);
  auto start = [&](MultiDbCoordinator::Callback<Position> done) {
    services.coordinator.backup(path, std::move(done));
  };
  const Result<Position> position = co_await await_result<Position>(std::move(start));
  if (!position) co_return std::unexpected(position.error());
  File file(path, O_RDONLY);
  std::error_code ignored;
  fs::remove(path, ignored);
  if (!file.is_open()) co_return fail(ErrorCode::io_error, "The backup that was made cannot be opened.");
  HttpResponse response{.content_type = "application/octet-stream", .index = position->index};
  const std::string name = "quorate-" + std::to_string(position->index) + ".db";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + '"');
  if (request.method != HttpMethod::head)
    response.stream = std::make_unique<FileBody>(std::move(file), std::move(turn));
  co_return response;
}

HandlerResult post_restore(const Services& services, const HttpRequest& request) {
  const Result<void> parameters = check_query_parameters(request, {});
  if (!parameters) co_return std::unexpected(parameters.error());
  const Turn turn(services.restores, 1);
  if (!turn.is_ours()) co_return busy("A restore");
  const Result<RestoreEnd> end = co_await send_pieces(services, request);
  if (!end) co_return std::unexpected(end.error());
  if (end->total_bytes == 0)
    co_return fail(ErrorCode::malformed_request, "The body must be a database file; it is empty.");
  auto start = [&](MultiDbCoordinator::Callback<std::uint64_t> done) {
    services.coordinator.restore({.end = *end}, deadline_after(services.limits.max_timeout), std::move(done),
                                 request.context);
  };
  const Result<std::uint64_t> index = co_await await_result<std::uint64_t>(std::move(start));
  if (!index) co_return std::unexpected(index.error());
  co_await wait_for_content(services, *index);
  HttpResponse response{.index = *index};
  response.body = "{\"index\":";
  append_json_integer(response.body, *index);
  response.body += ",\"bytes\":";
  append_json_integer(response.body, end->total_bytes);
  response.body += '}';
  co_return response;
}

}  // namespace quorate
