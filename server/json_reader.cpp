#include "server/json_reader.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>  // Boost.JSON itself: it is used in this file only
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace quorate {

namespace {

namespace json = boost::json;

// Receives the parser's events and builds our value. A handler that returns false ends the reading; error_ says why.
class Builder {
 public:
  using Code = boost::system::error_code;
  // The parser's own limits: the size of the text is limited elsewhere.
  // NOLINTBEGIN(readability-identifier-naming): the parser looks for these names
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)

  Builder(const JsonLimits& limits, const JsonRowsMember& rows) : limits_(limits), rows_member_(rows) {}
  Builder(const JsonLimits& limits, ParameterRowsBuilder& rows) : limits_(limits), rows_(&rows) {}

  std::optional<Error>& error() { return error_; }
  JsonValue take() { return std::move(root_); }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_null(Code& code) { return rows_ != nullptr ? (rows_->null(), true) : add({}, code); }
  bool on_bool(bool value, Code& code) {
    return rows_ != nullptr ? (rows_->boolean(value), true) : add({value}, code);
  }
  bool on_number_part(std::string_view part, Code&) { return put(part); }
  // The parser finds where a number ends, and no more: an integer is to be exact, a real the nearest one.
  bool on_int64(std::int64_t, std::string_view end, Code& code) { return put(end) && number(code); }
  bool on_uint64(std::uint64_t, std::string_view end, Code& code) { return put(end) && number(code); }
  bool on_double(double, std::string_view end, Code& code) { return put(end) && number(code); }
  bool on_string_part(std::string_view part, std::size_t, Code&) { return put(part); }
  bool on_string(std::string_view end, std::size_t, Code& code) {
    put(end);
    if (rows_ == nullptr) return add({std::exchange(text_, {})}, code);
    rows_->string(text_);
    text_.clear();
    return true;
  }
  bool on_key_part(std::string_view part, std::size_t, Code&) { return put(part); }
  bool on_key(std::string_view end, std::size_t, Code&) {
    put(end);
    if (rows_ != nullptr) {
      rows_->key(text_);
      text_.clear();
    } else {
      stack_.back().pending_name = std::exchange(text_, {});
    }
    return true;
  }
  bool on_object_begin(Code& code) {
    if (rows_ == nullptr) return open({JsonValue::Object{}}, code);
    rows_->start_object();
    return check_depth(code);
  }
  bool on_object_end(std::size_t, Code& code) {
    if (rows_ == nullptr)
      return check_unique_names(*stack_.back().value.as<JsonValue::Object>(), code) && close();
    rows_->end_object();
    return true;
  }
  bool on_array_begin(Code& code) {
    if (rows_ == nullptr) return is_rows_member() ? open_rows(code) : open({JsonValue::Array{}}, code);
    rows_->start_array();
    return check_depth(code);
  }
  bool on_array_end(std::size_t, Code&) {
    if (rows_ == nullptr) return close();
    if (rows_->depth() == 0) return close_rows();
    rows_->end_array();
    return true;
  }
  // JSON has none, and the parser refuses them.
  bool on_comment_part(std::string_view, Code&) { return true; }
  bool on_comment(std::string_view, Code&) { return true; }

 private:
  struct Level {
    JsonValue value;           // an array or an object that is not complete yet
    std::string pending_name;  // of the object's next member
  };

  bool refuse(Code& code, std::string message, ErrorCode error = ErrorCode::malformed_request) {
    error_ = Error{.code = error, .message = std::move(message)};
    code = json::error::exception;  // whatever it is, it ends the reading
    return false;
  }

  bool put(std::string_view part) {
    text_ += part;
    return true;
  }

  bool number(Code& code) {
    const std::string text = std::exchange(text_, {});
    if (text.find_first_of(".eE") != std::string::npos) {
      const double value = std::strtod(text.c_str(), nullptr);
      if (std::isinf(value)) return refuse(code, "The number " + shown(text) + " is too large.");
      return rows_ != nullptr ? (rows_->real(value), true) : add({value}, code);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return refuse_integer(code, text);
    return rows_ != nullptr ? (rows_->integer(value), true) : add({value}, code);
  }

  static std::string shown(const std::string& digits) {
    constexpr std::size_t kShown = 40;
    return digits.size() > kShown ? digits.substr(0, kShown) + "..." : digits;
  }

  bool refuse_integer(Code& code, const std::string& digits) {
    return refuse(code, "The integer " + shown(digits) +
                            " does not fit into 64 bits with sign. Send it as a string, or as a "
                            "number with a fraction or an exponent if it may be rounded.");
  }

  bool count_value(Code& code) {
    if (++values_ <= limits_.values) return true;
    return refuse(code, "The body holds more than " + std::to_string(limits_.values) + " JSON values.",
                  ErrorCode::limit_exceeded);
  }

  bool add(JsonValue value, Code& code) {
    if (!count_value(code)) return false;
    place(std::move(value));
    return true;
  }

  void place(JsonValue value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = stack_.back().value.as<JsonValue::Array>()) {
      array->push_back(std::move(value));
    } else {
      stack_.back().value.as<JsonValue::Object>()->push_back(
          {.name = std::move(stack_.back().pending_name), .value = std::move(value)});
    }
  }

  bool is_rows_member() const {
    return !stack_.empty() && !rows_member_.name.empty() && stack_.back().pending_name == rows_member_.name;
  }

  bool open_rows(Code& code) {
    if (!open({}, code)) return false;
    rows_ = &own_rows_.emplace(rows_member_.limits);
    return true;
  }

  bool close_rows() {
    auto rows = std::make_shared<JsonRows>();
    rows->failure = rows_->failure();
    if (!rows->failure) rows->rows = rows_->take();
    rows_ = nullptr;
    stack_.back().value.data = JsonValue::Rows(std::move(rows));
    return close();
  }

  bool check_depth(Code& code) {
    if (stack_.size() + (rows_ == nullptr ? 0 : rows_->depth()) <= limits_.depth) return true;
    return refuse(
        code, "The body nests arrays and objects deeper than " + std::to_string(limits_.depth) + " levels.",
        ErrorCode::limit_exceeded);
  }

  bool open(JsonValue value, Code& code) {
    if (!count_value(code)) return false;
    stack_.push_back({.value = std::move(value), .pending_name = {}});
    return check_depth(code);
  }

  bool close() {
    JsonValue done = std::move(stack_.back().value);
    stack_.pop_back();
    place(std::move(done));
    return true;
  }

  bool check_unique_names(const JsonValue::Object& object, Code& code) {
    const std::string_view* twice = find_repeated(object);
    if (twice == nullptr) return true;
    return refuse(code, "The name \"" + std::string(*twice) + "\" is given twice in one JSON object.");
  }

  const std::string_view* find_repeated(const JsonValue::Object& object) {
    names_.clear();
    for (const JsonMember& member : object) names_.emplace_back(member.name);
    std::ranges::sort(names_);
    const auto twice = std::ranges::adjacent_find(names_);
    return twice == names_.end() ? nullptr : &*twice;
  }

  const JsonLimits& limits_;
  const JsonRowsMember rows_member_ = {};
  ParameterRowsBuilder* rows_ = nullptr;  // takes what is read at the moment, if it is rows
  std::optional<ParameterRowsBuilder> own_rows_;
  JsonValue root_;
  std::string text_;  // of the string, name or number that is being read
  std::vector<Level> stack_;
  std::vector<std::string_view> names_;  // of the object being checked
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t column = at - (before.rfind('\n') + 1);  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " + std::to_string(column + 1);
}

// `arguments`: of the builder, behind the limits. Returns what it has built of the whole text.
template <typename... Arguments>
Result<JsonValue> parse(std::string_view text, const JsonLimits& limits, Arguments&&... arguments) {
  json::parse_options options;
  options.numbers = json::number_precision::none;
  options.max_depth = limits.depth + 1;  // the builder is the first to refuse, and says why
  json::basic_parser<Builder> parser(options, limits, std::forward<Arguments>(arguments)...);
  boost::system::error_code code;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), code);
  if (parser.handler().error()) return std::unexpected(std::move(*parser.handler().error()));
  if (!code && read < text.size()) code = json::error::extra_data;
  if (!code) return parser.handler().take();
  return fail(ErrorCode::malformed_request,
              "The body is not valid JSON at " + place_of(text, read) + ": " + code.message() + ".");
}

}  // namespace

Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows) {
  return parse(text, limits, rows);
}

Result<void> read_json_row(std::string_view text, const JsonLimits& limits, ParameterRowsBuilder& rows) {
  const Result<JsonValue> parsed = parse(text, limits, rows);
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

}  // namespace quorate
