#include "server/accepted_media.hpp"

#include <algorithm>
#include <string>

#include "server/header_map.hpp"

namespace quorate {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Cuts the part before the separator off, leaving what comes after it. A separator in a quoted string is none.
std::string_view take(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != separator); ++end) {
    if (text[end] == '\\' && quoted) ++end;
    if (end < text.size() && text[end] == '"') quoted = !quoted;
  }
  end = std::min(end, text.size());
  const std::string_view part = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// A weight in thousandths: 0 to 1, with at most three digits after the point.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = 0;
  for (std::size_t i = 2; i < 5; ++i) {
    const char digit = i < text.size() ? text[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    weight = weight * 10 + (digit - '0');
  }
  if (text[0] == '1') return weight == 0 ? std::optional(1'000) : std::nullopt;
  return weight;
}

struct Range {
  std::string_view type;
  int weight = 1'000;
};

std::optional<Range> parse_range(std::string_view text) {
  Range range{.type = take(text, ';')};
  if (std::ranges::count(range.type, '/') != 1) return std::nullopt;
  while (!text.empty()) {
    std::string_view value = take(text, ';');
    const std::string_view name = take(value, '=');
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (equal_ignoring_case(name, "charset") && !equal_ignoring_case(value, "utf-8")) return std::nullopt;
    if (!equal_ignoring_case(name, "q")) continue;
    const std::optional<int> weight = parse_weight(trimmed(value));
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  return range;
}

// How exactly the range names the type: 0, not at all, to 3.
int exactness(std::string_view range, std::string_view type) {
  if (equal_ignoring_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = type.find('/') + 1;
  return range.ends_with("/*") &&
                 equal_ignoring_case(range.substr(0, range.size() - 1), type.substr(0, slash))
             ? 2
             : 0;
}

}  // namespace

std::optional<std::size_t> choose_media(std::string_view accept, std::span<const std::string_view> offered) {
  if (trimmed(accept).empty()) return 0;
  std::optional<std::size_t> best;
  std::pair<int, int> best_rank{0, 0};  // weight, exactness
  for (std::size_t i = 0; i < offered.size(); ++i) {
    std::pair<int, int> rank{0, 0};
    for (std::string_view rest = accept; !rest.empty();) {
      const std::optional<Range> range = parse_range(take(rest, ','));
      if (!range) continue;
      // The range that names the type most exactly says its weight.
      const int exact = exactness(range->type, offered[i]);
      if (exact > rank.second) rank = {range->weight, exact};
    }
    if (rank.first == 0 || rank <= best_rank) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

}  // namespace quorate
