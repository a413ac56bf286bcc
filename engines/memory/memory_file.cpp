#include "engines/memory/memory_file.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

#include "engines/memory/parser.hpp"

namespace quorate {
namespace {

constexpr std::string_view kMagic = "quorate memory 2\n";
constexpr std::size_t kDigestBytes = 32;

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}
  void integer(std::uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }
  void text(std::string_view value) {
    integer(value.size());
    out_ += value;
  }
  void value(const Value& value) {
    integer(value.index());
    if (const auto* whole = std::get_if<std::int64_t>(&value)) integer(static_cast<std::uint64_t>(*whole));
    if (const auto* real = std::get_if<double>(&value)) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, real, sizeof(bits));
      integer(bits);
    }
    if (const auto* string = std::get_if<std::string>(&value)) text(*string);
    if (const auto* blob = std::get_if<Blob>(&value)) text(blob->bytes);
  }

 private:
  std::string& out_;
};

// The bytes have passed the digest, so a field that does not fit is a bug of the writer; it reads as empty.
class FieldReader {
 public:
  explicit FieldReader(std::string_view in) : in_(in) {}
  std::uint64_t integer() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(sizeof(value));
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  std::string text() {
    const std::uint64_t size = integer();
    return std::string(take(size));
  }
  Value value() {
    switch (integer()) {
      case 1: return static_cast<std::int64_t>(integer());
      case 2: {
        const std::uint64_t bits = integer();
        double real = 0;
        std::memcpy(&real, &bits, sizeof(real));
        return real;
      }
      case 3: return text();
      case 4: return Blob{text()};
      default: return Null{};
    }
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view bytes = in_.substr(0, size);
    in_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view in_;
};

void write_meta(FieldWriter& out, const ClusterMeta& meta) {
  out.text(meta.cluster_id);
  out.text(meta.node_id);
  out.text(meta.role);
  out.text(to_string(meta.mode));
  out.integer(meta.applied.index);
  out.integer(meta.applied.term);
  out.text(to_string(meta.digest));
  out.integer(static_cast<std::uint64_t>(meta.clock_us));
  out.text(to_text(meta.membership));
}

ClusterMeta read_meta(FieldReader& in) {
  ClusterMeta meta;
  meta.cluster_id = in.text();
  meta.node_id = in.text();
  meta.role = in.text();
  meta.mode = parse_mode(in.text()).value_or(ConsistencyMode::quorum);
  meta.applied.index = in.integer();
  meta.applied.term = in.integer();
  meta.digest = parse_digest(in.text());
  meta.clock_us = static_cast<std::int64_t>(in.integer());
  meta.membership = parse_membership(in.text()).value_or(Membership{});
  return meta;
}

void write_table(FieldWriter& out, const MemoryTable& table) {
  out.text(table.definition->sql);
  out.integer(table.rows.size());
  table.rows.for_each([&](std::int64_t id, const MemoryTable::SharedRow& row) {
    out.integer(static_cast<std::uint64_t>(id));
    for (const Value& value : *row) out.value(value);
    return true;
  });
}

Result<MemoryTable> read_table(FieldReader& in) {
  const Result<ParsedStatement> parsed = parse_statement(in.text());
  const auto* create = parsed ? std::get_if<CreateTable>(&parsed->statement) : nullptr;
  if (create == nullptr) return fail(ErrorCode::corrupt, "The snapshot holds a table without a definition.");
  MemoryTable table;
  table.definition = std::make_shared<const TableDefinition>(create->definition);
  table.unique.resize(create->definition.columns.size());
  for (std::uint64_t left = in.integer(); left > 0; --left) {
    const auto id = static_cast<std::int64_t>(in.integer());
    Row row;
    for (std::size_t i = 0; i < table.unique.size(); ++i) {
      row.push_back(in.value());
      const bool indexed = create->definition.columns[i].unique && !std::holds_alternative<Null>(row.back());
      if (indexed) table.unique[i].set(row.back(), id);
    }
    table.rows.set(id, std::make_shared<const Row>(std::move(row)));
  }
  return table;
}

}  // namespace

std::string encode_content(const MemoryContent& content) {
  std::string bytes(kMagic);
  FieldWriter out(bytes);
  out.integer(content.meta ? 1 : 0);
  if (content.meta) write_meta(out, *content.meta);
  out.integer(content.tables.size());
  content.tables.for_each([&](const std::string&, const MemoryTable& table) {
    write_table(out, table);
    return true;
  });
  out.integer(content.outcomes.size());
  content.outcomes.for_each([&](const std::string& key, const MemoryOutcome& outcome) {
    out.text(key);
    out.integer(static_cast<std::uint64_t>(outcome.expires_us));
    out.text(outcome.bytes);
    return true;
  });
  bytes += to_string(digest_of(bytes));
  return bytes;
}

Result<void> save_content(const MemoryContent& content, const std::filesystem::path& target) {
  const std::string bytes = encode_content(content);
  std::filesystem::path beside = target;
  beside += ".partial";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(beside, target, error);
  if (!file || error) return fail(ErrorCode::io_error, "Cannot write the snapshot " + target.string() + ".");
  return {};
}

Result<MemoryContent> load_content(const std::filesystem::path& source) {
  std::ifstream file(source, std::ios::binary);
  if (!file) return fail(ErrorCode::io_error, "Cannot read the snapshot " + source.string() + ".");
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto content = decode_content(bytes);
  if (!content) return fail(ErrorCode::corrupt, source.string() + ": " + content.error().message);
  return content;
}

Result<MemoryContent> decode_content(std::string_view bytes) {
  const std::size_t body = bytes.size() < kDigestBytes ? 0 : bytes.size() - kDigestBytes;
  if (!bytes.starts_with(kMagic) || bytes.substr(body) != to_string(digest_of(bytes.substr(0, body)))) {
    return fail(ErrorCode::corrupt, "This is not a complete snapshot of a memory engine.");
  }
  FieldReader in(bytes.substr(kMagic.size()));
  MemoryContent content;
  if (in.integer() == 1) content.meta = read_meta(in);
  for (std::uint64_t left = in.integer(); left > 0; --left) {
    Result<MemoryTable> table = read_table(in);
    if (!table) return std::unexpected(table.error());
    content.tables.set(to_lower(table->definition->name), std::move(*table));
  }
  for (std::uint64_t left = in.integer(); left > 0; --left) {
    const std::string key = in.text();
    MemoryOutcome outcome{.expires_us = static_cast<std::int64_t>(in.integer())};
    outcome.bytes = in.text();
    content.outcomes.set(key, std::move(outcome));
  }
  return content;
}

}  // namespace quorate
