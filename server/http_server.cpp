#include "server/http_server.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <vector>

#include "server/connection_registry.hpp"
#include "server/session.hpp"

namespace quorate {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// So many connections above the limit are told 503; those above that are closed without a word.
constexpr std::size_t kRefusalsAtOnce = 100;
constexpr int kBacklog = 4096;
// When accepting fails, mostly because no file descriptors are left.
constexpr std::chrono::milliseconds kAcceptPause{100};

tcp::endpoint resolve(asio::io_context& io, const HttpOptions& options) {
  tcp::resolver resolver(io);
  return *resolver.resolve(options.address, std::to_string(options.port)).begin();
}

}  // namespace

struct HttpServer::Impl {
  Impl(const HttpOptions& given_options, const Services& services)
      : options(given_options),
        api(services),
        context{.api = api, .options = options, .body_budget = BodyBudget(options.limits.body_memory_bytes)},
        io(static_cast<int>(options.io_threads)),
        acceptor_strand(asio::make_strand(io)),
        acceptor(acceptor_strand, resolve(io, options)),
        work(io.get_executor()) {
    acceptor.listen(kBacklog);
  }

  asio::awaitable<void> accept_connections();
  asio::awaitable<void> run_session(std::shared_ptr<Session> session, bool is_refused);
  void open_session(ConnectionSocket socket);

  const HttpOptions options;
  const Api api;
  SessionContext context;
  ConnectionRegistry connections;
  asio::io_context io;  // below what sessions use: those that never ended are destroyed with it
  asio::strand<asio::io_context::executor_type> acceptor_strand;
  tcp::acceptor acceptor;  // on its strand
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::vector<std::jthread> threads;
};

asio::awaitable<void> HttpServer::Impl::accept_connections() {
  constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
  asio::steady_timer pause(acceptor_strand);
  while (!context.stopping) {
    ConnectionSocket socket(asio::make_strand(io));
    const auto [code] = co_await acceptor.async_accept(socket, kNoThrow);
    if (!code) {
      open_session(std::move(socket));
      continue;
    }
    if (context.stopping) co_return;
    spdlog::warn("cannot accept a connection: {}", code.message());
    pause.expires_after(kAcceptPause);
    co_await pause.async_wait(kNoThrow);
  }
}

void HttpServer::Impl::open_session(ConnectionSocket socket) {
  const ConnectionStrand strand = socket.get_executor();
  auto session = std::make_shared<Session>(std::move(socket), context);
  const std::size_t count = connections.add(session);
  if (count > options.limits.connections + kRefusalsAtOnce) {
    connections.remove(session);
    return;
  }
  const bool is_refused = count > options.limits.connections;
  asio::co_spawn(strand, run_session(std::move(session), is_refused), asio::detached);
}

asio::awaitable<void> HttpServer::Impl::run_session(std::shared_ptr<Session> session, bool is_refused) {
  co_await session->serve(is_refused);
  connections.remove(session);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, const Services& services) {
  try {
    auto impl = std::make_unique<Impl>(options, services);
    asio::co_spawn(impl->acceptor_strand, impl->accept_connections(), asio::detached);
    for (std::size_t i = 0; i < options.io_threads; ++i) {
      impl->threads.emplace_back([&io = impl->io] { io.run(); });
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::io_error, "Cannot listen on " + options.address + ":" +
                                         std::to_string(options.port) + ": " + error.code().message() + ".");
  }
}

std::string HttpServer::url() const {
  const tcp::endpoint endpoint = impl_->acceptor.local_endpoint();
  const std::string address = endpoint.address().to_string();
  const bool is_v6 = endpoint.address().is_v6();
  return "http://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

void HttpServer::begin_stop() {
  impl_->context.stopping = true;
  asio::post(impl_->acceptor_strand, [this] {
    boost::system::error_code ignored;
    impl_->acceptor.close(ignored);
    // Here, behind the last accept, the registry has every connection there will be.
    for (const std::shared_ptr<Session>& session : impl_->connections.all()) session->finish_soon();
  });
}

bool HttpServer::wait_for_connections(std::chrono::milliseconds time) {
  return impl_->connections.wait_until_empty(time);
}

void HttpServer::stop() {
  if (impl_->threads.empty()) return;
  begin_stop();
  for (const std::shared_ptr<Session>& session : impl_->connections.all()) session->abort();
  impl_->work.reset();
  impl_->threads.clear();  // joins: every connection's coroutine has ended
}

}  // namespace quorate
