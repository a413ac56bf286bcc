#include "server/place.hpp"

namespace quorate {

std::string Place::text() const {
  if (parent_ == nullptr) return "The body";
  std::string pointer;
  append_pointer(pointer);
  return pointer;
}

void Place::append_pointer(std::string& out) const {
  if (parent_ == nullptr) return;
  parent_->append_pointer(out);
  out += '/';
  if (name_.data() == nullptr) {
    out += std::to_string(index_);
    return;
  }
  for (const char c : name_) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

}  // namespace quorate
