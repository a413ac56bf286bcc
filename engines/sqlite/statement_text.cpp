#include "engines/sqlite/statement_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace quorate {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

bool equals(std::string_view word, std::string_view upper) {
  return std::ranges::equal(word, upper,
                            [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; });
}

// Cuts SQL text into words, quotations and single characters. Empty at the end.
class Scanner {
 public:
  explicit Scanner(std::string_view sql) : rest_(sql) {}

  std::string_view next() {
    skip_blanks();
    if (rest_.empty()) return {};
    std::size_t size = 1;
    if (is_word(rest_[0])) {
      while (size < rest_.size() && is_word(rest_[size])) ++size;
    } else if (rest_[0] == '\'' || rest_[0] == '"' || rest_[0] == '`' || rest_[0] == '[') {
      // A doubled quote reads as two quotations side by side, which is all the same here.
      const std::size_t end = rest_.find(rest_[0] == '[' ? ']' : rest_[0], 1);
      size = end == std::string_view::npos ? rest_.size() : end + 1;
    }
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

 private:
  void skip_blanks() {
    for (;;) {
      std::size_t size = 0;
      if (rest_.empty()) return;
      if (is_space(rest_[0])) {
        size = 1;
      } else if (rest_.starts_with("--")) {
        size = rest_.find('\n');
      } else if (rest_.starts_with("/*")) {
        size = rest_.find("*/", 2);
        if (size != std::string_view::npos) size += 2;
      } else {
        return;
      }
      rest_.remove_prefix(std::min(size, rest_.size()));
    }
  }

  std::string_view rest_;
};

StatementKind kind_of_verb(std::string_view verb) {
  static constexpr std::array<std::pair<std::string_view, StatementKind>, 8> kVerbs{{
      {"SELECT", StatementKind::read},
      {"INSERT", StatementKind::insert},
      {"UPDATE", StatementKind::update},
      {"DELETE", StatementKind::remove},
      {"REPLACE", StatementKind::insert},
      {"VALUES", StatementKind::read},
      {"EXPLAIN", StatementKind::read},
      {"PRAGMA", StatementKind::read},
  }};
  for (const auto& [name, kind] : kVerbs) {
    if (equals(verb, name)) return kind;
  }
  return StatementKind::other;
}

}  // namespace

StatementKind kind_of(std::string_view sql) {
  Scanner scanner(sql);
  std::string_view word = scanner.next();
  while (word == ";") word = scanner.next();
  if (!equals(word, "WITH")) return kind_of_verb(word);
  // The verb is the first word right behind the closing parenthesis of a common table expression that is not AS.
  int depth = 0;
  std::string_view before;
  for (word = scanner.next(); !word.empty(); before = word, word = scanner.next()) {
    if (depth == 0 && before == ")" && kind_of_verb(word) != StatementKind::other) return kind_of_verb(word);
    if (word == "(") ++depth;
    if (word == ")") --depth;
  }
  return StatementKind::other;
}

bool is_blank(std::string_view sql) {
  Scanner scanner(sql);
  for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
    if (token != ";") return false;
  }
  return true;
}

}  // namespace quorate
