// The rules that are easy to get wrong (design §4). Each can be broken by a test-only switch, so that the simulator can
// prove that it would notice (tests/sim/controls.cpp), or a unit test where chance hardly meets it.
#pragma once

#include <array>
#include <string_view>

namespace quorate {

enum class Rule {
  commit_current_term_only,  // only entries of the current term commit by counting replicas (Raft §5.4.2)
  noop_opens_term,           // a leader appends an entry of its own term at once
  acknowledge_what_was_compared,  // a follower acknowledges prev + n, not its whole log
  cap_commit_at_compared,         // a follower commits at most prev + n
  commit_never_moves_back,
  persist_before_reply,  // votes and acknowledgements leave only after the write is durable
  one_vote_per_term,
  vote_for_up_to_date_log,   // Raft §5.4.1
  vote_without_own_view,     // ... whether the voter knows the candidate as a member or not
  pre_vote,                  // a node that cannot win does not disturb a working leader
  pre_vote_tells_true_term,  // a refused pre-vote carries the voter's own term
  stickiness_ends,     // a leader not heard from for an election timeout protects nobody, for learners too
  drop_stale_replies,  // replies to an older term's requests count for nothing
  count_only_known_instances,  // a member that has lost its files votes and acknowledges for nobody
  conflict_hint,               // a rejection says where the logs may agree
  bounded_appends,             // AppendEntries is bounded in bytes, in one message and in flight
  never_truncate_committed,    // AppendEntries is trimmed to what is above the commit index
  check_quorum,                // a leader that hears from no majority steps down
  change_needs_own_term,       // the membership changes only after a committed entry of the leader's own term
  one_change_at_a_time,        // ... and after the change before it is committed
  change_one_voter,            // ... and by one voter
  promote_when_caught_up,      // ... a learner that has caught up
  change_rolls_back,           // a membership entry that is truncated takes its membership with it
  transfer_when_caught_up,     // leadership is handed only to a member whose log is the leader's
  witness_hands_over,          // a witness (or who repairs) that leads gives it to a data node at once
  ask_the_next_to_lead,        // ... and if that one does not take it, to the next
  verify_snapshots,            // a snapshot is installed only when complete and verified
  keep_promises_on_install,    // ... and forgets neither term nor vote
  confirm_leadership_for_reads,  // a linearizable read needs a majority's word since it began
  reads_wait_for_own_term,       // ... and a committed entry of the leader's own term
  apply_before_preparing,        // a new leader prepares only on top of everything decided before
  match_held_batch,              // a held batch is committed only for the very entry that decides it
  prepare_on_every_node,         // DualWrite decides only after every data node has prepared
  compare_digests,               // a replica that computes another digest does not commit it
  not_applied_only_if_certain,   // a transaction in doubt is reported as unknown
  answer_after_commit,           // a client is told `applied` only once the entry is committed
  look_up_keys,                  // a transaction whose key is known is not run again
  look_among_gathered,           // ... nor one that stands in the batch already that more is added to
  keep_outcomes_everywhere,      // ... on whichever node comes to lead
  restore_only_whole_files,      // a file replaces the content only where all of it is
};

inline constexpr std::array<std::pair<Rule, std::string_view>, 40> kRules{{
    {Rule::commit_current_term_only, "commit_current_term_only"},
    {Rule::noop_opens_term, "noop_opens_term"},
    {Rule::acknowledge_what_was_compared, "acknowledge_what_was_compared"},
    {Rule::cap_commit_at_compared, "cap_commit_at_compared"},
    {Rule::commit_never_moves_back, "commit_never_moves_back"},
    {Rule::persist_before_reply, "persist_before_reply"},
    {Rule::one_vote_per_term, "one_vote_per_term"},
    {Rule::vote_for_up_to_date_log, "vote_for_up_to_date_log"},
    {Rule::vote_without_own_view, "vote_without_own_view"},
    {Rule::pre_vote, "pre_vote"},
    {Rule::pre_vote_tells_true_term, "pre_vote_tells_true_term"},
    {Rule::stickiness_ends, "stickiness_ends"},
    {Rule::drop_stale_replies, "drop_stale_replies"},
    {Rule::count_only_known_instances, "count_only_known_instances"},
    {Rule::conflict_hint, "conflict_hint"},
    {Rule::bounded_appends, "bounded_appends"},
    {Rule::never_truncate_committed, "never_truncate_committed"},
    {Rule::check_quorum, "check_quorum"},
    {Rule::change_needs_own_term, "change_needs_own_term"},
    {Rule::one_change_at_a_time, "one_change_at_a_time"},
    {Rule::change_one_voter, "change_one_voter"},
    {Rule::promote_when_caught_up, "promote_when_caught_up"},
    {Rule::change_rolls_back, "change_rolls_back"},
    {Rule::transfer_when_caught_up, "transfer_when_caught_up"},
    {Rule::witness_hands_over, "witness_hands_over"},
    {Rule::ask_the_next_to_lead, "ask_the_next_to_lead"},
    {Rule::verify_snapshots, "verify_snapshots"},
    {Rule::keep_promises_on_install, "keep_promises_on_install"},
    {Rule::confirm_leadership_for_reads, "confirm_leadership_for_reads"},
    {Rule::reads_wait_for_own_term, "reads_wait_for_own_term"},
    {Rule::apply_before_preparing, "apply_before_preparing"},
    {Rule::match_held_batch, "match_held_batch"},
    {Rule::prepare_on_every_node, "prepare_on_every_node"},
    {Rule::compare_digests, "compare_digests"},
    {Rule::not_applied_only_if_certain, "not_applied_only_if_certain"},
    {Rule::answer_after_commit, "answer_after_commit"},
    {Rule::look_up_keys, "look_up_keys"},
    {Rule::look_among_gathered, "look_among_gathered"},
    {Rule::keep_outcomes_everywhere, "keep_outcomes_everywhere"},
    {Rule::restore_only_whole_files, "restore_only_whole_files"},
}};

}  // namespace quorate
