// Where in a JSON body something is. Costs nothing until it is asked for as text, which only errors do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quorate {

class Place {
 public:
  Place() = default;  // the whole body

  // A place inside this one, which must outlive it.
  Place at(std::string_view name) const& { return Place(this, name, 0); }
  Place at(std::size_t index) const& { return Place(this, {}, index); }
  Place at(std::string_view name) const&& = delete;
  Place at(std::size_t index) const&& = delete;

  // As a JSON pointer (RFC 6901), e.g. "/statements/3/sql"; "The body" for the whole.
  std::string text() const;

 private:
  Place(const Place* parent, std::string_view name, std::size_t index)
      : parent_(parent), name_(name), index_(index) {}
  void append_pointer(std::string& out) const;

  const Place* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;  // counts when there is no name
};

}  // namespace quorate
