// Who takes part in a cluster. The membership is itself decided by the log (Raft thesis §4): a node uses the latest one
// that stands in its log, decided or not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace quorate {

using NodeId = std::string;

// Which life of a node id: drawn at random when the node's files are created. A node that has lost its files comes back
// as another instance, whose votes and acknowledgements count for nothing until the log names it: it does not remember
// what it promised before.
using Instance = std::uint64_t;

struct Member {
  NodeId id;
  Instance instance = 0;
  bool witness = false;    // votes and keeps the log, but has no content and never serves
  bool voter = true;       // false: a learner, which receives everything and decides nothing
  bool preferred = false;  // the preferred master: gets leadership back when it is healthy
  bool out = false;        // dual_write goes on without it, until it has caught up (--dual-write-degrade)
  std::string peer;        // HOST:PORT of its peer port when it joined; where it is now, it tells itself
  bool operator==(const Member&) const = default;
};

struct Membership {
  std::vector<Member> members = {};  // by id, ascending
  bool operator==(const Membership&) const = default;

  const Member* find(const NodeId& id) const;
  bool has_voter(const NodeId& id) const;
  std::size_t voters() const;
  std::size_t majority() const { return voters() / 2 + 1; }
  // Adds the member, or replaces the one of the same id.
  void put(Member member);
  void remove(const NodeId& id);
};

// One line for each member: `id instance flags peer`, with the instance in hexadecimal, the flags as words joined by
// commas (voter or learner, witness, preferred, out), and - for no peer address. The form in log entries, in
// _cluster_meta and on the wire.
std::string to_text(const Membership& membership);
Result<Membership> parse_membership(std::string_view text);  // error: corrupt

// A node id is 1 to 64 letters, digits, '-', '_' and '.'.
bool is_node_id(std::string_view text);

std::string to_text(Instance instance);  // 16 hexadecimal digits

// True when a majority of either and a majority of the other always meet: at most one voter has come or gone
// (thesis §4.1). A voter that became another instance has gone.
bool differ_by_one_voter(const Membership& before, const Membership& after);

}  // namespace quorate
