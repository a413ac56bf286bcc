#include "server/json_reader.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace quorate {

namespace {

// Receives nlohmann's events and builds our value. A handler that returns false ends the reading; error_ says
// why.
class Builder {
 public:
  Builder(const JsonLimits& limits, const JsonRowsMember& rows) : limits_(limits), rows_member_(rows) {}
  Builder(const JsonLimits& limits, ParameterRowsBuilder& rows) : limits_(limits), rows_(&rows) {}

  Result<JsonValue> take() {
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(root_);
  }

  bool null() { return rows_ != nullptr ? (rows_->null(), true) : add({}); }
  bool boolean(bool value) { return rows_ != nullptr ? (rows_->boolean(value), true) : add({value}); }
  bool number_integer(std::int64_t value) {
    return rows_ != nullptr ? (rows_->integer(value), true) : add({value});
  }
  bool number_unsigned(std::uint64_t value) {
    if (value > std::numeric_limits<std::int64_t>::max()) return refuse_integer(std::to_string(value));
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& text) {
    // nlohmann hands an integer that is too long over as a double, which would lose digits without a word.
    if (text.find_first_of(".eE") == std::string::npos) return refuse_integer(text);
    return rows_ != nullptr ? (rows_->real(value), true) : add({value});
  }
  bool string(std::string& text) {
    return rows_ != nullptr ? (rows_->string(text), true) : add({std::move(text)});
  }
  bool binary(const std::vector<std::uint8_t>&) { return false; }  // JSON has none
  bool start_object(std::size_t) {
    if (rows_ == nullptr) return open({JsonValue::Object{}});
    rows_->start_object();
    return check_depth();
  }
  bool start_array(std::size_t) {
    if (rows_ == nullptr) return is_rows_member() ? open_rows() : open({JsonValue::Array{}});
    rows_->start_array();
    return check_depth();
  }
  bool key(std::string& name) {
    if (rows_ != nullptr) {
      rows_->key(name);
    } else {
      stack_.back().pending_name = std::move(name);
    }
    return true;
  }
  bool end_object() {
    if (rows_ == nullptr) return check_unique_names(*stack_.back().value.as<JsonValue::Object>()) && close();
    rows_->end_object();
    return true;
  }
  bool end_array() {
    if (rows_ == nullptr) return close();
    if (rows_->depth() == 0) return close_rows();
    rows_->end_array();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& exception) {
    // The exception's text begins with "[json.exception...] ", which tells a client nothing.
    std::string message = exception.what();
    const std::size_t bracket = message.find("] ");
    if (bracket != std::string::npos) message.erase(0, bracket + 2);
    return refuse("The body is not valid JSON: " + message + ".");
  }

 private:
  struct Level {
    JsonValue value;           // an array or an object that is not complete yet
    std::string pending_name;  // of the object's next member
  };

  bool refuse(std::string message, ErrorCode code = ErrorCode::malformed_request) {
    if (!error_) error_ = Error{.code = code, .message = std::move(message)};
    return false;
  }

  bool refuse_integer(const std::string& digits) {
    constexpr std::size_t kShown = 40;
    const std::string shown = digits.size() > kShown ? digits.substr(0, kShown) + "..." : digits;
    return refuse("The integer " + shown +
                  " does not fit into 64 bits with sign. Send it as a string, or as a "
                  "number with a fraction or an exponent if it may be rounded.");
  }

  bool add(JsonValue value) {
    if (++values_ > limits_.values) {
      return refuse("The body holds more than " + std::to_string(limits_.values) + " JSON values.",
                    ErrorCode::limit_exceeded);
    }
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

  bool open_rows() {
    if (!open({})) return false;
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

  bool check_depth() {
    if (stack_.size() + (rows_ == nullptr ? 0 : rows_->depth()) <= limits_.depth) return true;
    return refuse(
        "The body nests arrays and objects deeper than " + std::to_string(limits_.depth) + " levels.",
        ErrorCode::limit_exceeded);
  }

  bool open(JsonValue value) {
    if (++values_ > limits_.values) return add({});
    stack_.push_back({.value = std::move(value), .pending_name = {}});
    return check_depth();
  }

  bool close() {
    JsonValue done = std::move(stack_.back().value);
    stack_.pop_back();
    place(std::move(done));
    return true;
  }

  bool check_unique_names(const JsonValue::Object& object) {
    const std::string_view* twice = find_repeated(object);
    if (twice == nullptr) return true;
    return refuse("The name \"" + std::string(*twice) + "\" is given twice in one JSON object.");
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
  std::vector<Level> stack_;
  std::vector<std::string_view> names_;  // of the object being checked
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

}  // namespace

namespace {

Result<JsonValue> parse(std::string_view text, Builder& builder) {
  // The parser takes it for the end of the text, and would leave what follows unread.
  if (text.contains('\0')) {
    return fail(ErrorCode::malformed_request, "The body is not JSON: it contains a NUL character.");
  }
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace

Result<JsonValue> read_json(std::string_view text, const JsonLimits& limits, const JsonRowsMember& rows) {
  Builder builder(limits, rows);
  return parse(text, builder);
}

Result<void> read_json_row(std::string_view text, const JsonLimits& limits, ParameterRowsBuilder& rows) {
  Builder builder(limits, rows);
  const Result<JsonValue> parsed = parse(text, builder);
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

}  // namespace quorate
