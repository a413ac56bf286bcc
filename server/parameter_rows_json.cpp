#include "server/parameter_rows_json.hpp"

#include <algorithm>
#include <type_traits>

#include "server/parameters_json.hpp"

namespace quorate {
namespace {

constexpr std::size_t kRowDepth = 1;
constexpr std::size_t kTaggedDepth = 2;
constexpr std::size_t kMaxTags = 2;

}  // namespace

template <typename T>
void ParameterRowsBuilder::add(const T& value) {
  if (failure_) return;
  if (depth_ == 0) return fail(" must be an array or an object of parameters.");
  if (depth_ == kTaggedDepth) {
    using Kept = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;
    tagged_.back().value.data.emplace<Kept>(value);
    return;
  }
  if (!begin_value()) return;
  write(value);
  if (named_) ends_[column_] = writer_.size_bytes();
}

void ParameterRowsBuilder::null() {
  add(JsonValue::Null());
}
void ParameterRowsBuilder::boolean(bool value) {
  add(value);
}
void ParameterRowsBuilder::integer(std::int64_t value) {
  add(value);
}
void ParameterRowsBuilder::real(double value) {
  add(value);
}
void ParameterRowsBuilder::string(std::string_view text) {
  add(text);
}

void ParameterRowsBuilder::start_array() {
  ++depth_;
  if (failure_) return;
  if (depth_ == kRowDepth) return begin_row(false);
  if (depth_ == kTaggedDepth && !begin_value()) return;
  fail_value(kParameterForms);
}

void ParameterRowsBuilder::start_object() {
  ++depth_;
  if (failure_) return;
  if (depth_ == kRowDepth) return begin_row(true);
  if (depth_ != kTaggedDepth) return fail_value(kParameterForms);
  if (begin_value()) tagged_.clear();
}

void ParameterRowsBuilder::key(std::string_view name) {
  if (failure_) return;
  if (depth_ == kRowDepth) return choose_column(name);
  if (tagged_.size() == kMaxTags) return fail_value(kParameterForms);
  tagged_.push_back({.name = std::string(name), .value = {}});
}

void ParameterRowsBuilder::close() {
  --depth_;
  if (failure_) return;
  if (depth_ == 0) {
    end_row();
  } else {
    end_tagged();
  }
}

void ParameterRowsBuilder::begin_row(bool named) {
  values_ = 0;
  in_order_ = true;
  row_begin_ = writer_.size_bytes();
  if (!has_form_) {
    named_ = named;
  } else if (named != named_) {
    fail(named_ ? " must be an object, as the first is." : " must be an array, as the first is.");
  } else if (count() == limits_.rows) {
    fail(" is one more than the " + std::to_string(limits_.rows) + " rows of parameters that are allowed.",
         ErrorCode::limit_exceeded);
  }
}

// The column of an object's next value. Mostly the names come in the order that they had in the first row.
void ParameterRowsBuilder::choose_column(std::string_view name) {
  if (values_ < names_.size() && names_[values_] == name) {
    column_ = values_;
  } else if (const auto found = columns_.find(std::string(name)); found != columns_.end()) {
    column_ = found->second;
  } else if (has_form_) {
    return fail(" has the name \"" + std::string(name) + "\", which the first has not.");
  } else {
    column_ = names_.size();
    columns_.emplace(name, column_);
    names_.emplace_back(name);
    begins_.push_back(0);
    ends_.push_back(0);
    filled_in_.push_back(0);
  }
  if (std::exchange(filled_in_[column_], count() + 1) == count() + 1)
    return fail(" has the name \"" + std::string(name) + "\" twice.");
  in_order_ = in_order_ && column_ == values_;
  begins_[column_] = writer_.size_bytes();
}

bool ParameterRowsBuilder::begin_value() {
  if (!named_) column_ = values_;
  ++values_;
  if (values_ <= limits_.values_per_row) return true;
  fail(" has more than " + std::to_string(limits_.values_per_row) + " values.", ErrorCode::limit_exceeded);
  return false;
}

void ParameterRowsBuilder::end_tagged() {
  if (tagged_.size() == kMaxTags && tagged_[0].name == tagged_[1].name) return fail_value(kParameterForms);
  const Place root;
  JsonValue value{std::move(tagged_)};
  const Result<Value> decoded = decode_value(named_ ? root.at(names_[column_]) : root.at(column_), value);
  if (!decoded) return fail(decoded.error().message);
  write(*decoded);
  if (named_) ends_[column_] = writer_.size_bytes();
}

void ParameterRowsBuilder::end_row() {
  if (!has_form_) {
    has_form_ = true;
    width_ = values_;
  } else if (values_ != width_ && !named_) {
    return fail(" has " + std::to_string(values_) + " values, and the first has " + std::to_string(width_) +
                ".");
  } else if (values_ != width_) {
    const auto missing =
        std::ranges::find_if(filled_in_, [&](std::size_t row) { return row != count() + 1; });
    const auto column = static_cast<std::size_t>(missing - filled_in_.begin());
    return fail(" has no \"" + names_[column] + "\", which the first has.");
  }
  if (named_ && !in_order_) put_in_order();
  writer_.end_row();
}

void ParameterRowsBuilder::put_in_order() {
  std::string& bytes = writer_.bytes();
  scratch_.clear();
  for (std::size_t i = 0; i < width_; ++i) scratch_.append(bytes, begins_[i], ends_[i] - begins_[i]);
  bytes.replace(row_begin_, std::string::npos, scratch_);
}

ParameterRows ParameterRowsBuilder::take() {
  std::ranges::fill(filled_in_, 0);  // which counts by rows
  return writer_.take(width_, names_);
}

void ParameterRowsBuilder::fail(std::string text, ErrorCode code) {
  failure_ = {.row = count(), .text = std::move(text), .code = code};
}

void ParameterRowsBuilder::fail_value(std::string_view problem) {
  const Place root;
  const Place place = named_ ? root.at(names_[column_]) : root.at(column_);
  fail(place.text() + " " + std::string(problem));
}

}  // namespace quorate
