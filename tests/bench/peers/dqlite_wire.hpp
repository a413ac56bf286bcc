// A little of dqlite's own protocol (its doc/protocol.md): who belongs to the cluster, who leads it, and one SQL statement.
// Each function connects, asks, and blocks for the answer. They throw when there is none, or another than expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::bench {

// The leader's address as this node knows it, empty when it knows none.
std::string dqlite_leader(std::uint16_t port);

// How many nodes vote, as this node knows it.
std::size_t dqlite_voters(std::uint16_t port);

// Runs the statement on the leader at this port, and returns the rows affected.
std::uint64_t dqlite_execute(std::uint16_t port, std::string_view database, std::string_view sql);

}  // namespace quorate::bench
