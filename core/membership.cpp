#include "core/membership.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace quorate {

const Member* Membership::find(const NodeId& id) const {
  const auto found = std::ranges::find(members, id, &Member::id);
  return found == members.end() ? nullptr : &*found;
}

bool Membership::has_voter(const NodeId& id) const {
  const Member* member = find(id);
  return member != nullptr && member->voter;
}

std::size_t Membership::voters() const {
  return static_cast<std::size_t>(std::ranges::count_if(members, &Member::voter));
}

void Membership::put(Member member) {
  remove(member.id);
  const auto place = std::ranges::upper_bound(members, member.id, {}, &Member::id);
  members.insert(place, std::move(member));
}

void Membership::remove(const NodeId& id) {
  std::erase_if(members, [&](const Member& member) { return member.id == id; });
}

bool is_node_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

std::string to_text(Instance instance) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(instance));
  return digits.data();
}

std::string to_text(const Membership& membership) {
  std::string text;
  for (const Member& member : membership.members) {
    text += member.id + ' ' + to_text(member.instance) + (member.voter ? " voter" : " learner");
    if (member.witness) text += ",witness";
    if (member.preferred) text += ",preferred";
    if (member.out) text += ",out";
    text += ' ' + (member.peer.empty() ? "-" : member.peer) + '\n';
  }
  return text;
}

namespace {

// Takes the text up to the separator off the front; false if there is none.
bool take_field(std::string_view& rest, char separator, std::string_view& field) {
  const std::size_t end = rest.find(separator);
  if (end == std::string_view::npos) return false;
  field = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

bool parse_flags(std::string flags, Member& member) {
  flags += ',';
  std::string_view rest = flags;
  std::string_view flag;
  member.voter = false;
  while (take_field(rest, ',', flag)) {
    if (flag == "voter") {
      member.voter = true;
    } else if (flag == "witness") {
      member.witness = true;
    } else if (flag == "preferred") {
      member.preferred = true;
    } else if (flag == "out") {
      member.out = true;
    } else if (flag != "learner") {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<Membership> parse_membership(std::string_view text) {
  Membership membership;
  while (!text.empty()) {
    std::string_view id;
    std::string_view instance;
    std::string_view flags;
    std::string_view peer;
    Member member;
    const bool complete = take_field(text, ' ', id) && take_field(text, ' ', instance) &&
                          take_field(text, ' ', flags) && take_field(text, '\n', peer);
    const auto number =
        std::from_chars(instance.data(), instance.data() + instance.size(), member.instance, 16);
    if (!complete || !is_node_id(id) || instance.size() != 16 || number.ec != std::errc() ||
        number.ptr != instance.data() + instance.size() || !parse_flags(std::string(flags), member) ||
        membership.find(NodeId(id)) != nullptr) {
      return fail(ErrorCode::corrupt, "a stored membership is damaged");
    }
    member.id = id;
    if (peer != "-") member.peer = peer;
    membership.put(std::move(member));
  }
  return membership;
}

bool differ_by_one_voter(const Membership& before, const Membership& after) {
  const auto missing = [](const Membership& from, const Membership& in) {
    return std::ranges::count_if(from.members, [&](const Member& member) {
      const Member* other = in.find(member.id);
      return member.voter && (other == nullptr || !other->voter || other->instance != member.instance);
    });
  };
  return missing(before, after) + missing(after, before) <= 1;
}

}  // namespace quorate
