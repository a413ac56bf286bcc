#include "server/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "server/base64.hpp"
#include "server/utf8.hpp"

namespace quorate {

namespace {

void append_escape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  out += "\\u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 15];
}

// By byte: whether it may stand in a JSON string as it is.
constexpr std::array<bool, 256> kIsPlain = [] {
  std::array<bool, 256> is_plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) is_plain[byte] = byte != '"' && byte != '\\';
  return is_plain;
}();

// Copies runs of bytes that need no escape at once. Returns false at bytes that are not UTF-8, if `strict`.
bool append_escaped(std::string& out, std::string_view text, bool strict) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::size_t run_begin = 0;
  std::size_t i = 0;
  const auto flush_run = [&] { out.append(text, run_begin, i - run_begin); };
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (kIsPlain[byte]) {
      ++i;
      continue;
    }
    if (byte >= 0x80) {
      const std::size_t length = utf8_sequence_length(text.substr(i));
      if (length != 0) {
        i += length;
        continue;
      }
      if (strict) return false;
      flush_run();
      out += kReplacement;
    } else {
      flush_run();
      append_escape(out, text[i]);
    }
    run_begin = ++i;
  }
  flush_run();
  return true;
}

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_real(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "null" : value > 0 ? R"({"real":"Infinity"})" : R"({"real":"-Infinity"})";
    return;
  }
  const std::size_t begin = out.size();
  append_number(out, value);
  // "5" would come back as an integer.
  if (out.find_first_of(".e", begin) == std::string::npos) out += ".0";
}

void append_text(std::string& out, std::string_view text) {
  if (try_append_json_string(out, text)) return;
  out += R"({"base64":")";
  append_base64(out, text);
  out += R"(","text":true})";
}

void append_blob(std::string& out, std::string_view bytes) {
  out += R"({"base64":")";
  append_base64(out, bytes);
  out += R"("})";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, false);
  out += '"';
}

bool try_append_json_string(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out += '"';
  if (!append_escaped(out, text, true)) {
    out.resize(begin);
    return false;
  }
  out += '"';
  return true;
}

void append_json_integer(std::string& out, std::int64_t value, IntegerStyle style) {
  if (style == IntegerStyle::string) out += '"';
  append_number(out, value);
  if (style == IntegerStyle::string) out += '"';
}

void append_json_integer(std::string& out, std::uint64_t value) {
  append_number(out, value);
}

void append_json_value(std::string& out, const Value& value, IntegerStyle style) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    append_json_integer(out, *integer, style);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_text(out, *text);
  } else if (const auto* real = std::get_if<double>(&value)) {
    append_real(out, *real);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    append_blob(out, blob->bytes);
  } else {
    out += "null";
  }
}

void append_json_strings(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) out += ',';
    append_json_string(out, texts[i]);
  }
  out += ']';
}

}  // namespace quorate
