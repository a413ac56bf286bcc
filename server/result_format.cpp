#include "server/result_format.hpp"

#include <cmath>

#include "server/base64.hpp"
#include "server/utf8.hpp"

namespace quorate {
namespace {

class NdjsonFormat : public ResultFormat {
 public:
  NdjsonFormat(RowShape shape, const ResultHead& head, IntegerStyle integers)
      : shape_(shape), objects_(head.columns), integers_(integers) {}

  std::string_view content_type() const override { return "application/x-ndjson"; }

  void begin(std::string& out, const ResultHead& head, const std::string& node) override {
    out += "{\"columns\":";
    append_json_strings(out, head.columns);
    out += ",\"types\":";
    append_json_strings(out, head.types);
    out += ",\"node\":";
    append_json_string(out, node);
    out += ",\"index\":";
    append_json_integer(out, head.index);
    out += "}\n";
  }

  void row(std::string& out, const Row& row) override {
    if (shape_ == RowShape::objects) {
      objects_.append(out, row, integers_);
    } else {
      append_row_as_array(out, row, integers_);
    }
    out += '\n';
  }

  void end(std::string& out, std::uint64_t rows, bool truncated) override {
    out += "{\"end\":true,\"rows\":";
    append_json_integer(out, rows);
    out += truncated ? ",\"truncated\":true}\n" : ",\"truncated\":false}\n";
  }

  void failure(std::string& out, const std::string& problem) override {
    out.append("{\"error\":").append(problem).append("}\n");
  }

 private:
  const RowShape shape_;
  const ObjectRowWriter objects_;
  const IntegerStyle integers_;
};

void append_csv_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

class CsvFormat : public ResultFormat {
 public:
  std::string_view content_type() const override { return "text/csv; charset=utf-8; header=present"; }

  void begin(std::string& out, const ResultHead& head, const std::string&) override {
    for (std::size_t i = 0; i < head.columns.size(); ++i) {
      if (i != 0) out += ',';
      append_csv_text(out, head.columns[i]);
    }
    out += "\r\n";
  }

  void row(std::string& out, const Row& row) override {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += ',';
      append_csv_value(out, row[i]);
    }
    out += "\r\n";
  }

  void end(std::string&, std::uint64_t, bool) override {}
  void failure(std::string&, const std::string&) override {}
};

}  // namespace

void append_csv_value(std::string& out, const Value& value) {
  if (std::holds_alternative<Null>(value)) return;
  if (const auto* text = std::get_if<std::string>(&value)) {
    return is_utf8(*text) ? append_csv_text(out, *text) : append_base64(out, *text);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    return blob->bytes.empty() ? append_csv_text(out, "") : append_base64(out, blob->bytes);
  }
  if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isinf(*real)) {
    out += *real > 0 ? "Infinity" : "-Infinity";
    return;
  }
  append_json_value(out, value, IntegerStyle::number);
}

std::unique_ptr<ResultFormat> make_ndjson(RowShape shape, const ResultHead& head, IntegerStyle integers) {
  return std::make_unique<NdjsonFormat>(shape, head, integers);
}

std::unique_ptr<ResultFormat> make_csv() {
  return std::make_unique<CsvFormat>();
}

}  // namespace quorate
