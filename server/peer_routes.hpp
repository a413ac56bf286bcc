// Which connection leads to which node. Any thread may look; the endpoint's thread changes it.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "server/peer_connection.hpp"

namespace quorate {

class PeerRoutes {
 public:
  std::shared_ptr<PeerConnection> find(const NodeId& node) const {
    const std::shared_lock lock(mutex_);
    const auto found = routes_.find(node);
    return found == routes_.end() ? nullptr : found->second.connection;
  }
  // Of the process that hosts the node.
  std::optional<PeerHello> hello(const NodeId& node) const {
    const std::shared_lock lock(mutex_);
    const auto found = routes_.find(node);
    if (found == routes_.end()) return std::nullopt;
    return *found->second.hello;
  }

  // Makes `nodes` all that the connection leads to; a node that another one led to changes over. Returns the
  // nodes that no connection leads to any more.
  std::vector<NodeId> set(const std::shared_ptr<PeerConnection>& connection,
                          const std::vector<NodeId>& nodes) {
    const auto hello = std::make_shared<const PeerHello>(connection->hello());
    const std::unique_lock lock(mutex_);
    std::vector<NodeId> lost;
    for (const auto& [node, route] : routes_) {
      if (route.connection == connection && std::ranges::find(nodes, node) == nodes.end())
        lost.push_back(node);
    }
    for (const NodeId& node : lost) routes_.erase(node);
    for (const NodeId& node : nodes) routes_[node] = {.connection = connection, .hello = hello};
    return lost;
  }

 private:
  struct Route {
    std::shared_ptr<PeerConnection> connection;
    std::shared_ptr<const PeerHello> hello;  // as of the last set()
  };

  mutable std::shared_mutex mutex_;
  std::map<NodeId, Route> routes_;  // guarded by mutex_
};

}  // namespace quorate
