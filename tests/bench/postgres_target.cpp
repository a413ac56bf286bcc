#include "tests/bench/postgres_target.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/child_process.hpp"
#include "tests/bench/postgres_connection.hpp"
#include "tests/bench/workloads.hpp"

namespace quorate::bench {
namespace fs = std::filesystem;

namespace {

constexpr int kStandbys = 2;
constexpr const char* kInsert =
    "INSERT INTO account (id, owner, balance, version) VALUES ($1::bigint, $2::text, 100, 1000000000000000)";
constexpr const char* kSelect = "SELECT id, owner, balance, version FROM account WHERE id = $1::bigint";

// Makes the command run as a user that PostgreSQL accepts, and end with the benchmark all the same.
std::vector<std::string> as_server_user(std::vector<std::string> command) {
  if (::geteuid() != 0) return command;
  const std::vector<std::string> other{"setpriv", "--reuid",        "nobody",      "--regid",
                                       "nogroup", "--clear-groups", "--pdeathsig", "KILL"};
  command.insert(command.begin(), other.begin(), other.end());
  return command;
}

void give_to_server_user(const fs::path& folder) {
  if (::geteuid() != 0) return;
  const passwd* const user = ::getpwnam("nobody");
  if (user == nullptr || ::chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("cannot give a folder to the user nobody");
  }
}

class PostgresInserts : public Workload {
 public:
  PostgresInserts(std::size_t connections, IdSource& ids, std::size_t row_bytes)
      : ids_(ids), requests_(connections), text_(row_text(row_bytes)) {}
  std::unique_ptr<Connection> make_connection(const boost::asio::any_io_executor& executor,
                                              std::uint16_t port) override {
    return std::make_unique<PostgresConnection>(executor, port,
                                                PostgresConnection::Statement{kInsert, text_});
  }
  std::string_view next(std::size_t connection) override {
    return requests_[connection] = std::to_string(ids_.next());
  }
  bool accept(std::size_t /*connection*/, const Response& response) override { return response.body == "1"; }

 private:
  IdSource& ids_;
  std::vector<std::string> requests_;
  std::string text_;
};

class PostgresReads : public Workload {
 public:
  explicit PostgresReads(std::size_t connections) : requests_(connections) {}
  std::unique_ptr<Connection> make_connection(const boost::asio::any_io_executor& executor,
                                              std::uint16_t port) override {
    return std::make_unique<PostgresConnection>(executor, port, PostgresConnection::Statement{kSelect, {}});
  }
  std::string_view next(std::size_t connection) override {
    return requests_[connection] = std::to_string(kSmallestNumber + random_() % kPreparedRows);
  }
  bool accept(std::size_t connection, const Response& response) override {
    return response.body.starts_with(requests_[connection] + "Ada Lovelace");
  }

 private:
  std::vector<std::string> requests_;
  std::minstd_rand random_{1};
};

class PostgresTarget : public Target {
 public:
  PostgresTarget(fs::path binaries, const fs::path& folder) : binaries_(std::move(binaries)) {
    version_ = run_to_end({binaries_ / "postgres", "--version"}, folder / "version.txt");
    start_primary(folder);
    for (int number = 1; number <= kStandbys; ++number) add_standby(folder, "s" + std::to_string(number));
    processes_.wait_for("both standbys may be waited for", [this] {
      return sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'") ==
             std::to_string(kStandbys);
    });
    sql(kCreatePostgresTable);
    sql(fmt::format(
        "INSERT INTO account SELECT {} + n, 'Ada Lovelace', 100, {} FROM generate_series(0, {}) AS n",
        kSmallestNumber, kSmallestNumber, kPreparedRows - 1));
    sql("VACUUM ANALYZE account");
  }

  ~PostgresTarget() override { PostgresTarget::stop(); }
  PostgresTarget(const PostgresTarget&) = delete;

  std::string name() const override { return "PostgreSQL"; }
  std::string version() const override { return version_; }
  std::string durability() const override {
    return "flushed (WAL, synchronous_commit=on) by the primary and one of two standbys; reads ask the "
           "primary, "
           "which does not ask whether it still is";
  }
  std::vector<pid_t> nodes() const override { return processes_.pids(); }
  std::uint16_t port() const override { return port_; }
  std::unique_ptr<Workload> inserts(std::size_t connections, std::size_t row_bytes) override {
    return std::make_unique<PostgresInserts>(connections, ids_, row_bytes);
  }
  std::unique_ptr<Workload> reads(std::size_t connections, ReadKind /*kind*/) override {
    return std::make_unique<PostgresReads>(connections);
  }

  // The primary last, or it would wait for standbys that are gone. A fast shutdown ends by SIGINT.
  bool stop() override {
    bool good = true;
    for (std::size_t left = processes_.count(); left > 0; --left) {
      good = processes_.at(left - 1).stop(SIGINT) && good;
    }
    return good;
  }

 private:
  static constexpr const char* kCreatePostgresTable =
      "CREATE TABLE account (id bigint PRIMARY KEY, owner text NOT NULL, balance bigint NOT NULL, "
      "version bigint NOT NULL)";

  void start_primary(const fs::path& folder) {
    const fs::path data = make_folder(folder, "primary");
    run_to_end(as_server_user({binaries_ / "initdb", "--pgdata", data, "--username", "postgres", "--auth",
                               "trust", "--encoding", "UTF8", "--no-locale"}),
               folder / "initdb.txt");
    port_ = free_port();
    start(data, port_, {"synchronous_standby_names=ANY 1 (s1, s2)"}, folder / "primary.txt");
    processes_.wait_for("the primary answers", [this] { return sql("SELECT 1") == "1"; });
  }

  void add_standby(const fs::path& folder, const std::string& name) {
    const fs::path data = make_folder(folder, name);
    const std::string primary =
        fmt::format("host=127.0.0.1 port={} user=postgres application_name={}", port_, name);
    run_to_end(as_server_user({binaries_ / "pg_basebackup", "--pgdata", data, "--dbname", primary,
                               "--wal-method", "stream", "--checkpoint", "fast", "--write-recovery-conf"}),
               folder / (name + "-basebackup.txt"));
    start(data, free_port(), {"primary_conninfo=" + primary}, folder / (name + ".txt"));
  }

  static fs::path make_folder(const fs::path& folder, const std::string& name) {
    fs::path data = folder / name;
    fs::create_directory(data);
    give_to_server_user(data);
    fs::permissions(data, fs::perms::owner_all);
    return data;
  }

  // Memory and log space as its manual advises for a server that is written to; all that makes a commit durable is as
  // it comes.
  void start(const fs::path& data, std::uint16_t port, std::vector<std::string> settings,
             const fs::path& output) {
    settings.insert(settings.end(), {"synchronous_commit=on", "listen_addresses=127.0.0.1",
                                     fmt::format("port={}", port), "unix_socket_directories=",
                                     "max_connections=1100", "shared_buffers=512MB", "max_wal_size=4GB"});
    std::vector<std::string> command{binaries_ / "postgres", "-D", data};
    for (const std::string& setting : settings) command.insert(command.end(), {"-c", setting});
    processes_.start(as_server_user(command), output);
  }

  // The first value of the result, on a connection of its own. Throws when the statement fails.
  std::string sql(const std::string& statement) const {
    const std::string address =
        fmt::format("host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=disable", port_);
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(address.c_str()), &PQfinish);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statement.c_str()),
                                                               &PQclear);
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK) return {};
    if (status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
    return PQgetvalue(result.get(), 0, 0);
  }

  fs::path binaries_;
  std::string version_;
  std::uint16_t port_ = 0;
  ChildProcesses processes_;
  IdSource ids_;
};

}  // namespace

std::unique_ptr<Target> start_postgres(const fs::path& binaries, const fs::path& folder) {
  return std::make_unique<PostgresTarget>(binaries, folder);
}

}  // namespace quorate::bench
