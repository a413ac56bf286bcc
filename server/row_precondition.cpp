#include "server/row_precondition.hpp"

#include <charconv>
#include <ranges>
#include <string_view>

namespace quorate {

namespace {

constexpr std::string_view kIfMatch = "If-Match";
constexpr std::string_view kIfNoneMatch = "If-None-Match";

std::unexpected<Error> malformed_header(std::string message) {
  return fail(ErrorCode::malformed_request, std::move(message));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// A version is matched by exactly the tag that it was given out with.
Value version_of(std::string_view tag) {
  std::int64_t version = 0;
  std::from_chars(tag.data() + 1, tag.data() + tag.size() - 1, version);
  if (entity_tag(version) == tag) return version;
  return Null{};
}

Result<RowPrecondition> read_if_match(std::string_view text) {
  if (text == "*") return RowPrecondition{.kind = RowPrecondition::Kind::any_version};
  const bool is_tag = text.size() >= 2 && text.front() == '"' && text.find('"', 1) == text.size() - 1;
  if (is_tag) return RowPrecondition{.kind = RowPrecondition::Kind::version, .version = version_of(text)};
  return malformed_header(
      "If-Match must be one version in quotes, as the header ETag gave it, for example \"3\", or * for any "
      "version.");
}

}  // namespace

Result<RowPrecondition> read_precondition(const HttpRequest& request, bool may_create) {
  const std::size_t matches = request.headers.count(kIfMatch);
  const std::size_t none_matches = request.headers.count(kIfNoneMatch);
  if (matches + none_matches > 1) return malformed_header("Only one If-Match or If-None-Match can be given.");
  if (matches == 1) return read_if_match(trimmed(request.headers.find(kIfMatch)));
  if (none_matches == 0) {
    std::string message =
        "This needs the header If-Match with the version that you have read, for example If-Match: "
        "\"3\"; If-Match: * means any version.";
    if (may_create) message += " If-None-Match: * creates the row.";
    return fail(ErrorCode::precondition_required, std::move(message));
  }
  if (!may_create) return malformed_header("If-None-Match is for GET and PUT; this needs If-Match.");
  if (trimmed(request.headers.find(kIfNoneMatch)) != "*") {
    return malformed_header("If-None-Match must be * here: it creates the row if there is none.");
  }
  return RowPrecondition{.kind = RowPrecondition::Kind::absent};
}

std::optional<std::string> entity_tag(const Value& version) {
  const auto* integer = std::get_if<std::int64_t>(&version);
  if (integer == nullptr) return std::nullopt;
  return '"' + std::to_string(*integer) + '"';
}

bool is_not_modified(const HttpRequest& request, const std::optional<std::string>& tag) {
  const std::string_view header = trimmed(request.headers.find(kIfNoneMatch));
  if (header == "*") return true;
  if (!tag) return false;
  for (const auto part : std::views::split(header, ',')) {
    std::string_view candidate = trimmed(std::string_view(part.begin(), part.end()));
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (candidate == *tag) return true;
  }
  return false;
}

}  // namespace quorate
