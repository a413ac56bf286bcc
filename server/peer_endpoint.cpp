#include "server/peer_endpoint.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "server/local_receivers.hpp"
#include "server/peer_dialer.hpp"
#include "server/peer_directory.hpp"
#include "server/peer_listener.hpp"

namespace quorate {

namespace asio = boost::asio;

struct PeerEndpoint::Impl {
  Impl(PeerOptions given_options, PeerObserver& observer)
      : options(std::move(given_options)),
        directory(options, observer, receivers, limiter),
        dialer(io, directory, sockets, limiter, options.times),
        listener(io, directory, dialer, sockets, limiter, options),
        work(io.get_executor()) {
    directory.set_on_lost([this](const NodeId& node) { dialer.on_lost(node); });
    PeerHello self = directory.self();
    if (self.peer_address.empty()) {
      const bool is_v6 = options.host.find(':') != std::string::npos;
      self.peer_address = (is_v6 ? "[" + options.host + "]" : options.host) + ":" +
                          std::to_string(listener.endpoint().port());
    }
    directory.set_self(std::move(self));
  }

  // An exception is a bug or out-of-memory in one connection; the others go on.
  void run() {
    while (true) {
      try {
        io.run();
        return;
      } catch (const std::exception& exception) {
        spdlog::error("a connection with a peer failed by an unexpected error: {}", exception.what());
      }
    }
  }

  void end_connections() {
    listener.stop();
    dialer.stop();
    sockets.close_all();
    directory.stop();
  }

  const PeerOptions options;
  asio::io_context io{1};  // above all that uses it: what never ended is destroyed with it, at the end
  LogLimiter limiter;
  LocalReceivers receivers;
  PendingSockets sockets;
  PeerDirectory directory;
  PeerDialer dialer;
  PeerListener listener;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::mutex stop_mutex;
  std::jthread thread;  // guarded by stop_mutex
};

PeerEndpoint::PeerEndpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PeerEndpoint::~PeerEndpoint() {
  stop();
}

Result<std::unique_ptr<PeerEndpoint>> PeerEndpoint::start(PeerOptions options, PeerObserver& observer) {
  const std::string address = options.host + ":" + std::to_string(options.port);
  try {
    auto impl = std::make_unique<Impl>(std::move(options), observer);
    impl->listener.start();
    for (const auto& [node, where] : impl->options.addresses) {
      if (node != impl->options.self.node) impl->dialer.set_address(node, where);
    }
    impl->thread = std::jthread([&impl = *impl] { impl.run(); });
    pthread_setname_np(impl->thread.native_handle(), "quorate-peers");
    return std::unique_ptr<PeerEndpoint>(new PeerEndpoint(std::move(impl)));
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::io_error,
                "Cannot listen for peers on " + address + ": " + error.code().message() + ".");
  }
}

void PeerEndpoint::attach(const NodeId& node, MessageReceiver& receiver) {
  impl_->receivers.attach(node, receiver);
  asio::post(impl_->io, [impl = impl_.get()] { impl->directory.tell_also(); });
}

void PeerEndpoint::detach(const NodeId& node) {
  impl_->receivers.detach(node);
  asio::post(impl_->io, [impl = impl_.get()] { impl->directory.tell_also(); });
}

void PeerEndpoint::send(Message message) {
  if (impl_->receivers.deliver(message)) return;
  const std::shared_ptr<PeerConnection> connection = impl_->directory.routes().find(message.to);
  if (connection != nullptr) connection->send(message);
}

bool PeerEndpoint::is_reachable(const NodeId& node) const {
  return impl_->receivers.has(node) || impl_->directory.routes().find(node) != nullptr;
}

void PeerEndpoint::set_address(const NodeId& node, const std::string& address) {
  asio::post(impl_->io, [impl = impl_.get(), node, address] {
    if (node != impl->directory.self().node) impl->dialer.set_address(node, address);
  });
}

void PeerEndpoint::forget(const NodeId& node) {
  asio::post(impl_->io, [impl = impl_.get(), node] {
    impl->dialer.forget(node);
    impl->directory.disconnect(node, "it is no peer any more");
  });
}

void PeerEndpoint::dial(const std::string& address) {
  asio::post(impl_->io, [impl = impl_.get(), address] { impl->dialer.dial(address); });
}

void PeerEndpoint::set_hello(PeerHello self) {
  asio::post(impl_->io, [impl = impl_.get(), self = std::move(self)]() mutable {
    impl->directory.set_self(std::move(self));
  });
}

std::optional<PeerHello> PeerEndpoint::peer(const NodeId& node) const {
  return impl_->directory.routes().hello(node);
}

std::uint16_t PeerEndpoint::port() const {
  return impl_->listener.endpoint().port();
}

void PeerEndpoint::stop() {
  const std::lock_guard lock(impl_->stop_mutex);
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->io, [impl = impl_.get()] { impl->end_connections(); });
  impl_->work.reset();
  impl_->thread.join();  // every connection's coroutine has ended
}

}  // namespace quorate
