// Many parameter lists of one form, for one statement that is run with each: kept as the bytes that log entries and
// messages have of them, so that a hundred thousand rows are one allocation, which all hands share that they go through.
//
// The form of a row: its values one after the other, each a tag byte and then, for an integer, its zigzag code as a LEB128
// variable-length number; for a real, 8 bytes; for TEXT and BLOB, the length as such a number, and the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/value.hpp"

namespace quorate {

// A value that lies somewhere else.
struct BlobView {
  std::string_view bytes;
  bool operator==(const BlobView&) const = default;
};
using ValueView = std::variant<Null, std::int64_t, double, std::string_view, BlobView>;

Value to_value(const ValueView& view);

// More rows, or values in a row, no log entry and no message can hold.
inline constexpr std::size_t kMaxParameterRows = 100'000'000;
inline constexpr std::size_t kMaxParametersPerRow = 32'766;

// Immutable; copies share the bytes. Empty: the statement has no such rows, and is run once.
class ParameterRows {
 public:
  // The names of the values in each row, without the prefix character; none: they are positional.
  using Names = std::vector<std::string>;

  ParameterRows() = default;

  // Made of bytes that may be anything. Fails, with nothing, unless they are exactly so many rows of that form.
  static std::optional<ParameterRows> parse(std::size_t count, std::size_t width, Names names,
                                            std::string bytes);

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }  // of rows
  std::size_t width() const { return width_; }  // of values in each row
  const Names& names() const;
  std::string_view bytes() const { return content_ ? std::string_view(content_->bytes) : std::string_view(); }
  bool operator==(const ParameterRows& other) const;

  // What a row takes, as parameters whose values are their own places in the row.
  Parameters places() const;

 private:
  friend class ParameterRowsWriter;
  struct Content {
    Names names;
    std::string bytes;
  };
  ParameterRows(std::size_t count, std::size_t width, Names names, std::string bytes);

  std::size_t count_ = 0;
  std::size_t width_ = 0;
  std::shared_ptr<const Content> content_;
};

// Reads rows one after the other. The rows must outlive it, and every value that it gives.
class ParameterRowsReader {
 public:
  explicit ParameterRowsReader(const ParameterRows& rows)
      : rest_(rows.bytes()), left_(rows.count()), row_(rows.width()) {}

  // False at the end; else row() is the next one.
  bool next();
  const std::vector<ValueView>& row() const { return row_; }

 private:
  std::string_view rest_;
  std::size_t left_;
  std::vector<ValueView> row_;
};

// Builds rows value by value. All rows must have as many values; who writes them sees to that.
class ParameterRowsWriter {
 public:
  void put_null();
  void put(std::int64_t value);
  void put(double value);
  void put_text(std::string_view text);
  void put_blob(std::string_view bytes);
  void put(const Value& value);
  void end_row() { ++count_; }

  std::size_t count() const { return count_; }
  std::size_t size_bytes() const { return bytes_.size(); }
  // The bytes so far, for who has to put the values of the last row into another order.
  std::string& bytes() { return bytes_; }

  // What was written; the writer is empty then.
  ParameterRows take(std::size_t width, ParameterRows::Names names);

 private:
  std::size_t count_ = 0;
  std::string bytes_;
};

}  // namespace quorate
