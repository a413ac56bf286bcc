#include "server/peer_dialer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "config/setting_values.hpp"

namespace quorate {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 4UL * 1024;

// Sets a value for the time of a scope.
template <typename T>
class Meanwhile {
 public:
  Meanwhile(T& variable, T value) : variable_(variable), former_(std::exchange(variable, value)) {}
  ~Meanwhile() { variable_ = former_; }
  Meanwhile(const Meanwhile&) = delete;

 private:
  T& variable_;
  T former_;
};

// A host name is looked up without a bound on the time but the system's own.
asio::awaitable<error_code> look_up(asio::io_context& io, std::string address,
                                    std::vector<tcp::endpoint>& found) {
  const auto place = parse_listen_address(address);
  if (!place || place->port == 0) co_return asio::error::invalid_argument;
  error_code code;
  const auto numeric = asio::ip::make_address(place->host, code);
  if (!code) {
    found.emplace_back(numeric, place->port);
    co_return error_code();
  }
  tcp::resolver resolver(io);
  const auto [failure, results] =
      co_await resolver.async_resolve(place->host, std::to_string(place->port), kNoThrow);
  for (const auto& result : results) found.push_back(result.endpoint());
  co_return failure;
}

}  // namespace

PeerDialer::PeerDialer(asio::io_context& io, PeerDirectory& directory, PendingSockets& sockets,
                       LogLimiter& limiter, const PeerTimes& times)
    : io_(io), directory_(directory), sockets_(sockets), limiter_(limiter), times_(times) {}

// --- whom to call ---

void PeerDialer::set_address(const NodeId& node, const std::string& address) {
  TargetPtr& target = targets_[node];
  if (target == nullptr) {
    target = std::make_shared<Target>(io_, node, address);
    return begin(target);
  }
  if (target->address == address) return;
  target->address = address;
  target->is_changed = true;
  if (target->call != nullptr) target->call->close();
  target->wake.cancel();
}

void PeerDialer::dial(const std::string& address) {
  TargetPtr& target = unknowns_[address];
  if (target != nullptr) return;
  target = std::make_shared<Target>(io_, NodeId(), address);
  begin(target);
}

void PeerDialer::begin(const TargetPtr& target) {
  asio::co_spawn(io_, run(target), [target](std::exception_ptr exception) {
    if (!exception) return;
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      spdlog::error("calling {} ended by an unexpected error: {}", target->name(), error.what());
    }
  });
}

void PeerDialer::end(Target& target) {
  target.is_wanted = false;
  if (target.call != nullptr) target.call->close();
  target.wake.cancel();
}

void PeerDialer::forget(const NodeId& node) {
  const auto found = targets_.find(node);
  if (found == targets_.end()) return;
  end(*found->second);
  targets_.erase(found);
}

void PeerDialer::stop() {
  for (const auto& [node, target] : targets_) end(*target);
  for (const auto& [address, target] : unknowns_) end(*target);
  targets_.clear();
  unknowns_.clear();
}

void PeerDialer::on_lost(const NodeId& node) {
  const auto found = targets_.find(node);
  if (found != targets_.end()) found->second->wake.cancel();
}

bool PeerDialer::is_connected(const Target& target) const {
  if (!target.node.empty()) return directory_.is_connected(target.node);
  return target.is_found || directory_.is_connected_to(target.address);
}

asio::awaitable<void> PeerDialer::settled(NodeId node) {
  const auto found = targets_.find(node);
  if (found == targets_.end()) co_return;
  const TargetPtr target = found->second;
  if (!target->in_handshake) co_return;
  co_await target->settled.async_wait(kNoThrow);
}

// --- calling ---

asio::awaitable<void> PeerDialer::run(TargetPtr target) {
  auto retry = times_.min_retry;
  while (target->is_wanted) {
    if (!is_connected(*target)) co_await call(target);
    if (!target->is_wanted) co_return;
    const bool connected = is_connected(*target);
    if (connected && target->node.empty()) {
      unknowns_.erase(target->address);
      co_return;
    }
    const auto since = std::chrono::steady_clock::now();
    if (connected) {
      target->was_connected = true;
      target->last_failure.clear();
      target->wake.expires_at(asio::steady_timer::time_point::max());
      co_await target->wake.async_wait(kNoThrow);
    }
    const bool held = connected && std::chrono::steady_clock::now() - since >= times_.max_retry;
    if (held || std::exchange(target->is_changed, false)) {
      retry = times_.min_retry;
    } else if (!is_connected(*target)) {
      target->wake.expires_after(retry);
      co_await target->wake.async_wait(kNoThrow);
      retry = std::min(2 * retry, times_.max_retry);
    }
  }
}

asio::awaitable<void> PeerDialer::call(TargetPtr target) {
  PendingSocket pending(sockets_, tcp::socket(io_), times_.handshake);
  const Meanwhile under_way(target->call, &pending);
  const error_code code = co_await connect(target, pending);
  if (!target->is_wanted || target->is_changed) co_return;
  if (code) {
    report_failure(*target, pending.is_over() ? "it did not answer in time" : code.message());
    const bool is_gone =
        code == asio::error::connection_refused && std::exchange(target->was_connected, false);
    if (is_gone && !is_connected(*target)) directory_.on_refused(target->node);
    co_return;
  }
  if (is_connected(*target) || directory_.is_expected(target->node)) co_return;
  {
    const Meanwhile in_handshake(target->in_handshake, true);
    co_await shake_hands(target, pending);
  }
  target->settled.cancel();
}

asio::awaitable<error_code> PeerDialer::connect(TargetPtr target, PendingSocket& pending) {
  std::vector<tcp::endpoint> endpoints;
  const error_code failure = co_await look_up(io_, target->address, endpoints);
  if (failure) co_return failure;
  if (pending.is_over()) co_return asio::error::timed_out;
  const auto [code, endpoint] = co_await asio::async_connect(*pending, endpoints, kNoThrow);
  if (code) co_return code;
  // A call to a free port of this host may by chance come from that very port, and then it reaches itself.
  error_code ignored;
  if ((*pending).local_endpoint(ignored) == (*pending).remote_endpoint(ignored)) {
    co_return asio::error::connection_refused;
  }
  co_return error_code();
}

asio::awaitable<void> PeerDialer::shake_hands(TargetPtr target, PendingSocket& pending) {
  std::string input;
  const std::optional<ParsedIntroduction> answer = co_await ask(target, pending, input);
  if (!answer) co_return;
  if (!*answer) co_return on_answer(*target, answer->error());
  const PeerHello& hello = (*answer)->hello;
  std::optional<PeerRefusal> refusal;
  if (target->node.empty() || hello.node == target->node) {
    refusal = directory_.check(hello, true);
    target->is_found = !refusal || refusal->code == kConnectedAlready;
  } else {
    refusal = PeerRefusal{.status = 409,
                          .code = "identity_mismatch",
                          .detail = "Node " + directory_.self().node + " looked for node " + target->node +
                                    " at " + target->address + ", and node " + hello.node + " is there."};
  }
  if (refusal) co_return co_await refuse(pending, *refusal);
  directory_.add_dialed(std::move(*pending), hello, std::string_view(input).substr((*answer)->bytes));
}

asio::awaitable<std::optional<ParsedIntroduction>> PeerDialer::ask(TargetPtr target, PendingSocket& pending,
                                                                   std::string& input) {
  const std::string request = peer_request(directory_.self(), target->address);
  auto [code, written] = co_await asio::async_write(*pending, asio::buffer(request), kNoThrow);
  std::array<char, kReadBytes> part;
  while (!code) {
    const auto [read_code, size] = co_await (*pending).async_read_some(asio::buffer(part), kNoThrow);
    code = read_code;
    input.append(part.data(), size);
    if (code && code != asio::error::eof) break;
    auto parsed = parse_peer_answer(input, code == asio::error::eof);
    if (parsed) co_return parsed;
  }
  if (target->is_wanted && !target->is_changed) {
    report_failure(*target, pending.is_over() ? "it did not answer in time" : code.message());
  }
  co_return std::nullopt;
}

// We have been accepted and do not accept in our turn.
asio::awaitable<void> PeerDialer::refuse(PendingSocket& pending, const PeerRefusal& refusal) {
  const std::string payload = encode(PeerControl(Goodbye{.code = refusal.code, .detail = refusal.detail}));
  const FrameHead head = frame_head(payload);
  const std::array<asio::const_buffer, 2> frame{asio::buffer(head), asio::buffer(payload)};
  if (refusal.code != kConnectedAlready && limiter_.allows("refuse|" + refusal.detail)) {
    spdlog::warn("a connection is refused: {} ({})", printable(refusal.detail), refusal.code);
  }
  co_await asio::async_write(*pending, frame, kNoThrow);
}

void PeerDialer::on_answer(Target& target, const PeerRefusal& refusal) {
  target.is_found = refusal.code == kConnectedAlready;
  if (target.is_found) return;
  if (!limiter_.allows("refused|" + target.address + "|" + refusal.code)) return;
  spdlog::warn("{} refuses this node: {} ({} {})", target.name(), refusal.detail, refusal.status,
               refusal.code);
}

void PeerDialer::report_failure(Target& target, const std::string& why) {
  if (std::exchange(target.last_failure, why) == why) return;
  spdlog::warn("{} cannot be reached: {}; trying on", target.name(), why);
}

}  // namespace quorate
