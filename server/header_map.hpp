// The header fields of one request, kept in one piece of memory that is used again for the next request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate {

class HeaderMap {
 public:
  void add(std::string_view name, std::string_view value);

  // The value of the first field of that name, compared without regard to case; empty if there is none. The
  // view is good until add() or clear().
  std::string_view find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // The values of all fields of that name, as one list with commas (RFC 9110 §5.2).
  std::string joined(std::string_view name) const;

  std::size_t bytes() const { return text_.size(); }  // of all names and values together
  void clear();

 private:
  struct Field {
    std::uint32_t name_begin;
    std::uint32_t name_size;
    std::uint32_t value_size;  // the value follows the name
  };
  std::string_view name_of(const Field& field) const;

  std::string text_;
  std::vector<Field> fields_;
};

// ASCII only, as HTTP field names and tokens are.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace quorate
