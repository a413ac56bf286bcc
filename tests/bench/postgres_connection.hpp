// A connection to PostgreSQL by libpq's asynchronous functions, on the same io_context as all others.
#pragma once

#include <libpq-fe.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tests/bench/connection.hpp"

namespace quorate::bench {

// Runs one prepared statement over and over. The request is the text of its first parameter; the second is always the
// same. The answer's body is the number of rows that a command touched, or all values of a result, one after the other;
// its status is 500 with the server's message as the body when the statement failed.
class PostgresConnection : public Connection {
 public:
  struct Statement {
    std::string sql;
    std::optional<std::string> second_parameter;
  };

  PostgresConnection(const boost::asio::any_io_executor& executor, std::uint16_t port, Statement statement);
  boost::asio::awaitable<void> connect() override;
  boost::asio::awaitable<Response> exchange(std::string_view request) override;
  void close() override;
  bool is_open() const override { return connection_ != nullptr; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  boost::asio::awaitable<void> flush();
  boost::asio::awaitable<Result> receive();
  void require(bool good);

  boost::asio::posix::stream_descriptor socket_;  // libpq's own: released, never closed here
  std::string address_;
  Statement statement_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::string body_;
};

}  // namespace quorate::bench
