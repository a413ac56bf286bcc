#include "server/trace_parent.hpp"

#include <cstddef>

namespace quorate {
namespace {

constexpr std::size_t kTraceIdBegin = 3;
constexpr std::size_t kTraceIdSize = 32;
constexpr std::size_t kParentIdBegin = 36;
constexpr std::size_t kParentIdSize = 16;
constexpr std::size_t kSize = 55;

bool is_all(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return is_all(text, "0123456789abcdef") && !is_all(text, "0");
}

}  // namespace

bool is_trace_parent(std::string_view text) {
  if (text.size() != kSize || !text.starts_with("00-") || text[35] != '-' || text[52] != '-') return false;
  return is_id(text.substr(kTraceIdBegin, kTraceIdSize)) &&
         is_id(text.substr(kParentIdBegin, kParentIdSize)) && is_all(text.substr(53), "0123456789abcdef");
}

std::string_view trace_id_of(std::string_view trace_parent) {
  return trace_parent.empty() ? trace_parent : trace_parent.substr(kTraceIdBegin, kTraceIdSize);
}

}  // namespace quorate
