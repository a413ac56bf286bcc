#include "engines/memory/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace quorate {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view sql) : sql_(sql) {}

  Result<std::vector<Token>> run() {
    for (skip_blanks(); position_ < sql_.size(); skip_blanks()) {
      if (auto done = next(); !done) return std::unexpected(done.error());
    }
    tokens_.emplace_back();
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return position_ + ahead < sql_.size() ? sql_[position_ + ahead] : '\0';
  }

  void skip_blanks() {
    while (position_ < sql_.size()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        ++position_;
      } else if (peek() == '-' && peek(1) == '-') {
        position_ = std::min(sql_.find('\n', position_), sql_.size());
      } else if (peek() == '/' && peek(1) == '*') {
        const std::size_t end = sql_.find("*/", position_ + 2);
        position_ = end == std::string_view::npos ? sql_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  std::string take_word() {
    const std::size_t start = position_;
    while (position_ < sql_.size() && is_word(peek())) ++position_;
    return std::string(sql_.substr(start, position_ - start));
  }

  // The text between two quotes; a doubled quote stands for itself.
  Result<std::string> take_quoted(char quote) {
    std::string text;
    for (++position_; position_ < sql_.size(); ++position_) {
      if (peek() == quote && peek(1) != quote) {
        ++position_;
        return text;
      }
      if (peek() == quote) ++position_;
      text += peek();
    }
    return fail(ErrorCode::sql_error, "The SQL text ends within a quotation.");
  }

  Result<void> add_quoted(Token::Kind kind, char quote) {
    Result<std::string> text = take_quoted(quote);
    if (!text) return std::unexpected(text.error());
    tokens_.push_back({kind, std::move(*text)});
    return {};
  }

  Result<void> next() {
    const char c = peek();
    if (c == '\'') return add_quoted(Token::Kind::text, '\'');
    if (c == '"') return add_quoted(Token::Kind::quoted_name, '"');
    if ((c == 'x' || c == 'X') && peek(1) == '\'') {
      ++position_;
      return add_quoted(Token::Kind::blob, '\'');
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return add_number();
    if (is_word(c)) {
      tokens_.push_back({Token::Kind::word, take_word()});
      return {};
    }
    if (c == '?' || c == ':' || c == '@' || c == '$') {
      ++position_;
      tokens_.push_back({Token::Kind::placeholder, c == '?' ? std::string() : take_word()});
      return {};
    }
    return add_symbol();
  }

  Result<void> add_number() {
    const std::size_t start = position_;
    bool real = false;
    for (; position_ < sql_.size(); ++position_) {
      const char c = peek();
      const bool exponent_sign = (c == '+' || c == '-') && (sql_[position_ - 1] | 0x20) == 'e';
      if (c == '.' || (c | 0x20) == 'e') real = true;
      if (!is_digit(c) && c != '.' && (c | 0x20) != 'e' && !(position_ > start && exponent_sign)) break;
    }
    tokens_.push_back({real ? Token::Kind::real : Token::Kind::integer,
                       std::string(sql_.substr(start, position_ - start))});
    return {};
  }

  Result<void> add_symbol() {
    static constexpr std::array<std::string_view, 5> kLong{"<>", "!=", "<=", ">=", "||"};
    static constexpr std::string_view kShort = "(),;*=<>+-.";
    for (const std::string_view symbol : kLong) {
      if (sql_.substr(position_).starts_with(symbol)) {
        tokens_.push_back({Token::Kind::symbol, std::string(symbol)});
        position_ += symbol.size();
        return {};
      }
    }
    if (kShort.find(peek()) == std::string_view::npos) {
      return fail(ErrorCode::sql_error, "unrecognized token: \"" + std::string(1, peek()) + "\"");
    }
    tokens_.push_back({Token::Kind::symbol, std::string(1, peek())});
    ++position_;
    return {};
  }

  std::string_view sql_;
  std::size_t position_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view sql) {
  return Tokenizer(sql).run();
}

}  // namespace quorate
