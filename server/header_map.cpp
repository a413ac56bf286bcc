#include "server/header_map.hpp"

#include <algorithm>

namespace quorate {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void HeaderMap::add(std::string_view name, std::string_view value) {
  fields_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                     static_cast<std::uint32_t>(value.size())});
  text_.append(name).append(value);
}

std::string_view HeaderMap::name_of(const Field& field) const {
  return std::string_view(text_).substr(field.name_begin, field.name_size);
}

std::string_view HeaderMap::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_ignoring_case(name_of(field), name)) {
      return std::string_view(text_).substr(field.name_begin + field.name_size, field.value_size);
    }
  }
  return {};
}

std::size_t HeaderMap::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [&](const Field& field) { return equal_ignoring_case(name_of(field), name); }));
}

std::string HeaderMap::joined(std::string_view name) const {
  std::string list;
  for (const Field& field : fields_) {
    if (!equal_ignoring_case(name_of(field), name)) continue;
    if (!list.empty()) list += ", ";
    list += std::string_view(text_).substr(field.name_begin + field.name_size, field.value_size);
  }
  return list;
}

void HeaderMap::clear() {
  text_.clear();
  fields_.clear();
}

}  // namespace quorate
