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
  bool on_null(Code& code) {
    if (rows_ == nullptr) return add<JsonValue::Null>(code) != nullptr;
    rows_->null();
    return true;
  }
  bool on_bool(bool value, Code& code) {
    if (rows_ == nullptr) return add<bool>(code, value) != nullptr;
    rows_->boolean(value);
    return true;
  }
  // The parser finds where a number ends, and no more: an integer is to be exact, a real the nearest one.
  bool on_number_part(std::string_view part, Code&) { return keep(part); }
  bool on_int64(std::int64_t, std::string_view end, Code& code) { return number(whole(end), code); }
  bool on_uint64(std::uint64_t, std::string_view end, Code& code) { return number(whole(end), code); }
  bool on_double(double, std::string_view end, Code& code) { return number(whole(end), code); }
  bool on_string_part(std::string_view part, std::size_t, Code&) { return keep(part); }
  bool on_string(std::string_view end, std::size_t, Code& code) {
    const std::string_view text = whole(end);
    if (rows_ == nullptr) return add<std::string>(code, text) != nullptr;
    rows_->string(text);
    return true;
  }
  bool on_key_part(std::string_view part, std::size_t, Code&) { return keep(part); }
  bool on_key(std::string_view end, std::size_t, Code&) {
    const std::string_view name = whole(end);
    if (rows_ != nullptr) {
      rows_->key(name);
    } else {
      auto* object = open_.back()->as<JsonValue::Object>();
      make_room(*object);
      object->push_back({.name = std::string(name), .value = {}});
    }
    return true;
  }
  bool on_object_begin(Code& code) {
    if (rows_ == nullptr) return open<JsonValue::Object>(code);
    rows_->start_object();
    return check_depth(code);
  }
  bool on_object_end(std::size_t, Code& code) {
    if (rows_ == nullptr) return check_unique_names(*open_.back()->as<JsonValue::Object>(), code) && close();
    rows_->end_object();
    return true;
  }
  bool on_array_begin(Code& code) {
    if (rows_ == nullptr) return is_rows_member() ? open_rows(code) : open<JsonValue::Array>(code);
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
  static constexpr std::size_t kFewElements = 4;  // as most arrays and objects have
  static constexpr std::size_t kFewValues = 64;   // as most documents have

  bool refuse(Code& code, std::string message, ErrorCode error = ErrorCode::malformed_request) {
    error_ = Error{.code = error, .message = std::move(message)};
    code = json::error::exception;  // whatever it is, it ends the reading
    return false;
  }

  bool keep(std::string_view part) {
    parts_ += part;
    return true;
  }

  // The string, name or number that ends with `end`; valid until the next one.
  std::string_view whole(std::string_view end) {
    if (parts_.empty()) return end;
    joined_.swap(parts_);
    parts_.clear();
    return joined_ += end;
  }

  bool number(std::string_view text, Code& code) {
    if (text.find_first_of(".eE") != std::string_view::npos) {
      const double value = std::strtod(std::string(text).c_str(), nullptr);
      if (std::isinf(value)) return refuse(code, "The number " + shown(text) + " is too large.");
      if (rows_ == nullptr) return add<double>(code, value) != nullptr;
      rows_->real(value);
      return true;
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return refuse_integer(code, text);
    if (rows_ == nullptr) return add<std::int64_t>(code, value) != nullptr;
    rows_->integer(value);
    return true;
  }

  static std::string shown(std::string_view digits) {
    constexpr std::size_t kShown = 40;
    return std::string(digits.substr(0, kShown)) + (digits.size() > kShown ? "..." : "");
  }

  bool refuse_integer(Code& code, std::string_view digits) {
    return refuse(code, "The integer " + shown(digits) +
                            " does not fit into 64 bits with sign. Send it as a string, or as a "
                            "number with a fraction or an exponent if it may be rounded.");
  }

  // Where the next value belongs. An array or object that is open keeps its place: what contains it does not
  // grow meanwhile.
  JsonValue& next_place() {
    if (open_.empty()) return root_;
    if (auto* array = open_.back()->as<JsonValue::Array>()) {
      make_room(*array);
      return array->emplace_back();
    }
    return open_.back()->as<JsonValue::Object>()->back().value;
  }

  // For what is likely to come. Not in a large document, which might be millions of arrays with one element each.
  template <typename Elements>
  void make_room(Elements& elements) const {
    if (elements.empty() && values_ <= kFewValues) elements.reserve(kFewElements);
  }

  // Null when there are too many values.
  template <typename T, typename... Arguments>
  JsonValue* add(Code& code, Arguments&&... arguments) {
    if (++values_ > limits_.values) {
      refuse(code, "The body holds more than " + std::to_string(limits_.values) + " JSON values.",
             ErrorCode::limit_exceeded);
      return nullptr;
    }
    JsonValue& place = next_place();
    place.data.emplace<T>(std::forward<Arguments>(arguments)...);
    return &place;
  }

  template <typename T>
  bool open(Code& code) {
    JsonValue* const container = add<T>(code);
    if (container == nullptr) return false;
    open_.push_back(container);
    return check_depth(code);
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool is_rows_member() const {
    if (open_.empty() || rows_member_.name.empty()) return false;
    const auto* object = open_.back()->as<JsonValue::Object>();
    return object != nullptr && object->back().name == rows_member_.name;
  }

  bool open_rows(Code& code) {
    if (!open<JsonValue::Rows>(code)) return false;
    rows_ = &own_rows_.emplace(rows_member_.limits);
    return true;
  }

  bool close_rows() {
    auto rows = std::make_shared<JsonRows>();
    rows->failure = rows_->failure();
    if (!rows->failure) rows->rows = rows_->take();
    rows_ = nullptr;
    open_.back()->data = JsonValue::Rows(std::move(rows));
    return close();
  }

  bool check_depth(Code& code) {
    if (open_.size() + (rows_ == nullptr ? 0 : rows_->depth()) <= limits_.depth) return true;
    return refuse(
        code, "The body nests arrays and objects deeper than " + std::to_string(limits_.depth) + " levels.",
        ErrorCode::limit_exceeded);
  }

  bool check_unique_names(const JsonValue::Object& object, Code& code) {
    const std::optional<std::string_view> twice = find_repeated(object);
    if (!twice) return true;
    return refuse(code, "The name \"" + std::string(*twice) + "\" is given twice in one JSON object.");
  }

  std::optional<std::string_view> find_repeated(const JsonValue::Object& object) {
    if (object.size() <= kFewElements) {  // sorting takes longer than comparing all of so few
      for (auto later = object.begin(); later != object.end(); ++later) {
        for (auto earlier = object.begin(); earlier != later; ++earlier) {
          if (earlier->name == later->name) return later->name;
        }
      }
      return std::nullopt;
    }
    names_.clear();
    for (const JsonMember& member : object) names_.emplace_back(member.name);
    std::ranges::sort(names_);
    const auto twice = std::ranges::adjacent_find(names_);
    return twice == names_.end() ? std::nullopt : std::optional(*twice);
  }

  const JsonLimits& limits_;
  const JsonRowsMember rows_member_ = {};
  ParameterRowsBuilder* rows_ = nullptr;  // takes what is read at the moment, if it is rows
  std::optional<ParameterRowsBuilder> own_rows_;
  JsonValue root_;
  std::vector<JsonValue*> open_;         // arrays and objects that are not complete yet, inner ones last
  std::string parts_;                    // of the string, name or number that is being read, if it has parts
  std::string joined_;                   // what whole() has made of parts
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

class Reading {
 public:
  // `arguments`: of the builder, behind the limits.
  template <typename... Arguments>
  Reading(std::string_view text, const JsonLimits& limits, Arguments&&... arguments)
      : text_(text), parser_(options(limits), limits, std::forward<Arguments>(arguments)...) {}

  bool read(std::size_t bytes) {
    const std::string_view part = text_.substr(read_, bytes);
    const bool has_more = read_ + part.size() < text_.size();
    const std::size_t used = parser_.write_some(has_more, part.data(), part.size(), code_);
    read_ += used;
    if (!code_ && used < part.size()) code_ = json::error::extra_data;
    return has_more && !code_;
  }

  Result<JsonValue> take() {
    if (parser_.handler().error()) return std::unexpected(std::move(*parser_.handler().error()));
    if (!code_) return parser_.handler().take();
    return fail(ErrorCode::malformed_request,
                "The body is not valid JSON at " + place_of(text_, read_) + ": " + code_.message() + ".");
  }

 private:
  static json::parse_options options(const JsonLimits& limits) {
    json::parse_options options;
    options.numbers = json::number_precision::none;
    options.max_depth = limits.depth + 1;  // the builder is the first to refuse, and says why
    return options;
  }

  const std::string_view text_;
  json::basic_parser<Builder> parser_;
  std::size_t read_ = 0;
  boost::system::error_code code_;
};

}  // namespace

Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows) {
  Reading reading(text, limits, rows);
  reading.read(text.size());
  return reading.take();
}

Result<void> read_json_row(std::string_view text, const JsonLimits& limits, ParameterRowsBuilder& rows) {
  Reading reading(text, limits, rows);
  reading.read(text.size());
  const Result<JsonValue> read = reading.take();
  if (!read) return std::unexpected(read.error());
  return {};
}

struct JsonReading::Impl : Reading {
  using Reading::Reading;
};

JsonReading::JsonReading(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows)
    : impl_(std::make_unique<Impl>(text, limits, rows)) {}

JsonReading::~JsonReading() = default;

bool JsonReading::read(std::size_t bytes) {
  return impl_->read(bytes);
}

Result<JsonValue> JsonReading::take() {
  return impl_->take();
}

}  // namespace quorate
