#include "core/parameter_rows.hpp"

#include <cstring>
#include <utility>

namespace quorate {
namespace {

enum class Tag : char { null, integer, real, text, blob };

constexpr int kBitsPerByte = 7;
constexpr std::uint64_t kMoreFollows = 0x80;

void put_number(std::string& out, std::uint64_t number) {
  while (number >= kMoreFollows) {
    out += static_cast<char>(number | kMoreFollows);
    number >>= kBitsPerByte;
  }
  out += static_cast<char>(number);
}

// False: no such number is there.
bool take_number(std::string_view& rest, std::uint64_t& number) {
  number = 0;
  std::size_t used = 0;
  for (int shift = 0; used < rest.size() && shift < 64; shift += kBitsPerByte) {
    const auto byte = static_cast<unsigned char>(rest[used++]);
    number |= (byte & (kMoreFollows - 1)) << shift;
    if (byte < kMoreFollows) {
      rest.remove_prefix(used);
      return true;
    }
  }
  return false;
}

bool take_bytes(std::string_view& rest, std::string_view& bytes) {
  std::uint64_t size = 0;
  if (!take_number(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

bool take_value(std::string_view& rest, ValueView& value) {
  if (rest.empty()) return false;
  const auto tag = static_cast<Tag>(rest.front());
  rest.remove_prefix(1);
  switch (tag) {
    case Tag::null: value = Null{}; return true;
    case Tag::integer: {
      std::uint64_t code = 0;
      if (!take_number(rest, code)) return false;
      value = static_cast<std::int64_t>(code >> 1U ^ (0 - (code & 1U)));
      return true;
    }
    case Tag::real: {
      double real = 0;
      if (rest.size() < sizeof(real)) return false;
      std::memcpy(&real, rest.data(), sizeof(real));
      rest.remove_prefix(sizeof(real));
      value = real;
      return true;
    }
    case Tag::text: {
      std::string_view text;
      if (!take_bytes(rest, text)) return false;
      value = text;
      return true;
    }
    case Tag::blob: {
      BlobView blob;
      if (!take_bytes(rest, blob.bytes)) return false;
      value = blob;
      return true;
    }
  }
  return false;
}

}  // namespace

Value to_value(const ValueView& view) {
  if (const auto* integer = std::get_if<std::int64_t>(&view)) return *integer;
  if (const auto* real = std::get_if<double>(&view)) return *real;
  if (const auto* text = std::get_if<std::string_view>(&view)) return std::string(*text);
  if (const auto* blob = std::get_if<BlobView>(&view)) return Blob{std::string(blob->bytes)};
  return Null{};
}

ParameterRows::ParameterRows(std::size_t count, std::size_t width, Names names, std::string bytes)
    : count_(count),
      width_(width),
      content_(std::make_shared<const Content>(std::move(names), std::move(bytes))) {}

std::optional<ParameterRows> ParameterRows::parse(std::size_t count, std::size_t width, Names names,
                                                  std::string bytes) {
  if (count == 0 || count > kMaxParameterRows || width > kMaxParametersPerRow) return std::nullopt;
  if (!names.empty() && names.size() != width) return std::nullopt;
  std::string_view rest = bytes;
  ValueView value;
  for (std::size_t row = 0; width != 0 && row < count; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      if (!take_value(rest, value)) return std::nullopt;
    }
  }
  if (!rest.empty()) return std::nullopt;
  return ParameterRows(count, width, std::move(names), std::move(bytes));
}

const ParameterRows::Names& ParameterRows::names() const {
  static const Names none;
  return content_ ? content_->names : none;
}

bool ParameterRows::operator==(const ParameterRows& other) const {
  return count_ == other.count_ && width_ == other.width_ && names() == other.names() &&
         bytes() == other.bytes();
}

Parameters ParameterRows::places() const {
  Parameters places;
  for (std::size_t i = 0; i < width_; ++i) {
    const auto place = static_cast<std::int64_t>(i);
    if (names().empty()) {
      places.positional.emplace_back(place);
    } else {
      places.named.emplace_back(names()[i], place);
    }
  }
  return places;
}

bool ParameterRowsReader::next() {
  if (left_ == 0) return false;
  --left_;
  for (ValueView& value : row_) static_cast<void>(take_value(rest_, value));  // checked when they were made
  return true;
}

void ParameterRowsWriter::put_null() {
  bytes_ += static_cast<char>(Tag::null);
}

void ParameterRowsWriter::put(std::int64_t value) {
  bytes_ += static_cast<char>(Tag::integer);
  const auto sign = static_cast<std::uint64_t>(value >> 63);
  put_number(bytes_, static_cast<std::uint64_t>(value) << 1U ^ sign);
}

void ParameterRowsWriter::put(double value) {
  bytes_ += static_cast<char>(Tag::real);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void ParameterRowsWriter::put_text(std::string_view text) {
  bytes_ += static_cast<char>(Tag::text);
  put_number(bytes_, text.size());
  bytes_ += text;
}

void ParameterRowsWriter::put_blob(std::string_view bytes) {
  bytes_ += static_cast<char>(Tag::blob);
  put_number(bytes_, bytes.size());
  bytes_ += bytes;
}

void ParameterRowsWriter::put(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return put(*integer);
  if (const auto* real = std::get_if<double>(&value)) return put(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return put_text(*text);
  if (const auto* blob = std::get_if<Blob>(&value)) return put_blob(blob->bytes);
  put_null();
}

ParameterRows ParameterRowsWriter::take(std::size_t width, ParameterRows::Names names) {
  ParameterRows rows(std::exchange(count_, 0), width, std::move(names), std::exchange(bytes_, {}));
  return rows;
}

}  // namespace quorate
