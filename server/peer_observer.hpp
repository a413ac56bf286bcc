// Who decides about the other processes and is told of them.
#pragma once

#include "core/error.hpp"
#include "server/peer_options.hpp"

namespace quorate {

// Called on the endpoint's thread; must not block.
class PeerObserver {
 public:
  virtual ~PeerObserver() = default;
  // May this process be a peer? That it is of our cluster and that its id is nobody else's has been checked.
  // The error goes to both logs, and to the other process as 409 (identity_mismatch) or 403 (anything else).
  virtual Result<void> admit(const PeerHello& hello) = 0;
  // Each connection has one on_connected and then one on_disconnected; that of a process that connects anew
  // is disconnected before the new one is connected.
  virtual void on_connected(const PeerHello& hello) = 0;
  virtual void on_disconnected(const NodeId& node) = 0;
};

}  // namespace quorate
