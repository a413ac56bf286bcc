// The transport between processes: one long-lived connection to each other process, over which the nodes of
// both speak. Connections begin as server/peer_handshake.hpp says and carry what server/peer_frame.hpp says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/transport.hpp"
#include "server/peer_observer.hpp"
#include "server/peer_options.hpp"

namespace quorate {

// Any thread may call any member, but for the observer's and the receivers' thread, which must not call
// stop() or detach().
class PeerEndpoint final : public LocalTransport {
 public:
  // Listens and connects from now on, with a thread of its own. The observer must outlive it. Error:
  // io_error, when the address cannot be used.
  static Result<std::unique_ptr<PeerEndpoint>> start(PeerOptions options, PeerObserver& observer);

  ~PeerEndpoint() override;  // stop()s
  PeerEndpoint(const PeerEndpoint&) = delete;

  // The nodes of this process. `receiver` must stay valid until detach() has returned, which waits for calls
  // into it that are running. A receiver is told on_unreachable() for each node of a process whose connection
  // ends.
  void attach(const NodeId& node, MessageReceiver& receiver) override;
  void detach(const NodeId& node) override;

  // To attached nodes at once, on the caller's thread. To others over the connection whose process hosts
  // them, in order but for pieces of snapshots, which let everything else go first. Dropped: without a
  // connection, when PeerLimits is passed, and what was on its way when a connection ended. Costs the caller
  // the encoding, and mostly the system call; never blocks.
  void send(Message message) override;
  // Attached here, or hosted by a process that is connected.
  bool is_reachable(const NodeId& node) const override;

  // A peer to keep connected, and where. Our own node is passed over.
  void set_address(const NodeId& node, const std::string& address);
  // Ends the connection and calls it no more. It may call us: admit() decides.
  void forget(const NodeId& node);
  // Connects to a process whose node is not known yet, trying on until it has connected once; the observer
  // hears of it.
  void dial(const std::string& address);
  // What later handshakes say. `also` is whatever is attached here besides the process's own node, and the peers are told
  // when that changes.
  void set_hello(PeerHello self);

  // What the process that hosts this node says of itself; nothing while it is not connected.
  std::optional<PeerHello> peer(const NodeId& node) const;
  std::uint16_t port() const;

  // Ends all connections, with on_unreachable() and on_disconnected(), and the thread. Blocks; idempotent.
  // From then on every message to another process is dropped.
  void stop();

 private:
  struct Impl;
  explicit PeerEndpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace quorate
