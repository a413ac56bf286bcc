#include "core/participant.hpp"

#include <array>
#include <utility>

namespace quorate {

namespace {

std::string_view name_of(const CallBody& body) {
  constexpr auto kNames =
      std::to_array<std::string_view>({"write", "mode", "read_index", "query", "verify", "status", "transfer",
                                       "member", "outcome", "restore"});
  static_assert(kNames.size() == std::variant_size_v<CallBody>);
  return kNames[body.index()];
}

}  // namespace

std::move_only_function<void(Result<CallAnswer>)> replier(std::shared_ptr<Outbox> outbox, NodeId to,
                                                          const Call& call) {
  return [outbox = std::move(outbox), to = std::move(to), call_id = call.id, what = name_of(call.body),
          context = call.context](Result<CallAnswer> answer) {
    if (!outbox->open) return;
    outbox->observer.on_call_served(
        {.from = to, .context = context, .what = what, .error = answer ? nullptr : &answer.error()});
    outbox->transport.send({.from = outbox->id,
                            .to = to,
                            .body = CallReply{.id = call_id, .answer = std::move(answer)},
                            .instance = outbox->instance});
  };
}

RaftConfig raft_config(const NodeId& id, Instance instance, const Timing& timing, const CoreLimits& limits,
                       std::optional<Rule> broken) {
  return {.id = id,
          .instance = instance,
          .heartbeat_us = to_us(timing.heartbeat),
          .election_timeout_us = to_us(timing.election_timeout),
          .max_append_bytes = limits.append_bytes,
          .broken = broken};
}

NodeStatus status_of(const Member& member, const NodeId& leader) {
  return {.id = member.id,
          .role = !member.voter         ? "learner"
                  : member.witness      ? "witness"
                  : member.id == leader ? "master"
                                        : "backup",
          .preferred_master = member.preferred,
          .peer = member.peer,
          .instance = to_text(member.instance),
          .out = member.out};
}

}  // namespace quorate
