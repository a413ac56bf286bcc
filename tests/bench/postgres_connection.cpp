#include "tests/bench/postgres_connection.hpp"

#include <fmt/format.h>
#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <utility>

namespace quorate::bench {
namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

namespace {
constexpr const char* kStatement = "measured";
constexpr int kFailed = 500;
}  // namespace

PostgresConnection::PostgresConnection(const asio::any_io_executor& executor, std::uint16_t port,
                                       Statement statement)
    : socket_(executor),
      address_(fmt::format("host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=disable", port)),
      statement_(std::move(statement)) {}

void PostgresConnection::require(bool good) {
  if (!good) throw std::runtime_error(PQerrorMessage(connection_.get()));
}

asio::awaitable<void> PostgresConnection::connect() {
  connection_.reset(PQconnectStart(address_.c_str()));
  require(connection_ && PQstatus(connection_.get()) != CONNECTION_BAD);
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    require(state != PGRES_POLLING_FAILED);
    // The socket may be another one after each step.
    socket_.assign(PQsocket(connection_.get()));
    const Wait direction = state == PGRES_POLLING_READING ? Wait::wait_read : Wait::wait_write;
    co_await socket_.async_wait(direction, asio::use_awaitable);
    socket_.release();
    state = PQconnectPoll(connection_.get());
  }
  socket_.assign(PQsocket(connection_.get()));
  require(PQsetnonblocking(connection_.get(), 1) == 0);
  require(PQsendPrepare(connection_.get(), kStatement, statement_.sql.c_str(), 0, nullptr) == 1);
  co_await flush();
  const Result prepared = co_await receive();
  require(PQresultStatus(prepared.get()) == PGRES_COMMAND_OK);
}

asio::awaitable<Response> PostgresConnection::exchange(std::string_view request) {
  const std::string first(request);
  const std::array<const char*, 2> values{
      first.c_str(), statement_.second_parameter ? statement_.second_parameter->c_str() : nullptr};
  const int parameters = statement_.second_parameter ? 2 : 1;
  require(PQsendQueryPrepared(connection_.get(), kStatement, parameters, values.data(), nullptr, nullptr,
                              0) == 1);
  co_await flush();
  const Result result = co_await receive();
  const auto status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK) {
    body_ = PQcmdTuples(result.get());
    co_return Response{200, body_};
  }
  if (status != PGRES_TUPLES_OK) {
    body_ = PQresultErrorMessage(result.get());
    co_return Response{kFailed, body_};
  }
  body_.clear();
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      body_ += PQgetvalue(result.get(), row, column);
    }
  }
  co_return Response{200, body_};
}

asio::awaitable<void> PostgresConnection::flush() {
  for (int left = PQflush(connection_.get()); left != 0; left = PQflush(connection_.get())) {
    require(left > 0);
    co_await socket_.async_wait(Wait::wait_write, asio::use_awaitable);
  }
}

// The result of the one statement under way.
asio::awaitable<PostgresConnection::Result> PostgresConnection::receive() {
  Result last;
  for (;;) {
    while (PQisBusy(connection_.get()) == 1) {
      co_await socket_.async_wait(Wait::wait_read, asio::use_awaitable);
      require(PQconsumeInput(connection_.get()) == 1);
    }
    Result next(PQgetResult(connection_.get()));
    if (!next) break;
    last = std::move(next);
  }
  require(last != nullptr);
  co_return last;
}

void PostgresConnection::close() {
  if (socket_.is_open()) socket_.release();
  connection_.reset();
}

}  // namespace quorate::bench
