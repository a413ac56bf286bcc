// How the fields of structs, in messages and in the log, become bytes and back. Every struct lists its fields once, in an
// overload of fields(visitor, struct); Writer and Reader are the visitors, so what is written and what is
// read cannot differ.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/transaction_codec.hpp"
#include "core/transport.hpp"

namespace quorate::wire {

// T, const or not.
template <typename T, typename U>
concept Like = std::is_same_v<std::remove_const_t<T>, U>;

template <typename T, template <typename...> typename Template>
inline constexpr bool kIs = false;
template <typename... T, template <typename...> typename Template>
inline constexpr bool kIs<Template<T...>, Template> = true;

using Payload = std::shared_ptr<const std::string>;

// The last value of each enumeration that travels; what is above it does not pass.
template <typename Enum>
inline constexpr Enum kLast = Enum::undefined;
template <>
inline constexpr EntryKind kLast<EntryKind> = EntryKind::restore;
template <>
inline constexpr ConsistencyMode kLast<ConsistencyMode> = ConsistencyMode::dual_write;
template <>
inline constexpr ErrorCode kLast<ErrorCode> = ErrorCode::internal;
template <>
inline constexpr QueryKind kLast<QueryKind> = QueryKind::schema;
template <>
inline constexpr NodeState kLast<NodeState> = NodeState::removed;
template <>
inline constexpr KeyState::State kLast<KeyState::State> = KeyState::State::aborted;
template <>
inline constexpr Outcome kLast<Outcome> = Outcome::unknown;

class Writer {
 public:
  explicit Writer(Encoder& out) : out_(out) {}

  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  void node(const NodeId& id) { put(id); }
  void nodes(const std::vector<NodeId>& ids) { put(ids); }

 private:
  template <typename T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      out_.put(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Value>) {
      out_.put(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      out_.put(std::string_view(value));
    } else if constexpr (std::is_same_v<T, Payload>) {
      out_.put(value ? std::string_view(*value) : std::string_view());
    } else if constexpr (std::is_same_v<T, Membership>) {
      out_.put(std::string_view(to_text(value)));
    } else if constexpr (std::is_same_v<T, Parameters> || std::is_same_v<T, std::vector<Statement>>) {
      quorate::put(out_, value);
    } else if constexpr (kIs<T, std::vector> || kIs<T, std::map>) {
      out_.put(static_cast<std::uint32_t>(value.size()));
      for (const auto& item : value) put(item);
    } else if constexpr (kIs<T, std::pair>) {
      put(value.first);
      put(value.second);
    } else if constexpr (kIs<T, std::optional>) {
      out_.put(value.has_value());
      if (value) put(*value);
    } else if constexpr (kIs<T, std::expected>) {
      out_.put(value.has_value());
      if (value) {
        put(*value);
      } else {
        put(value.error());
      }
    } else if constexpr (kIs<T, std::variant>) {
      out_.put(static_cast<std::uint8_t>(value.index()));
      std::visit([this](const auto& alternative) { this->put(alternative); }, value);
    } else {
      fields(*this, value);
    }
  }

  Encoder& out_;
};

// Nothing is reserved for what has only been announced: containers grow item by item, and every item has a
// byte at least.
class Reader {
 public:
  explicit Reader(Decoder& in) : in_(in) {}

  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  // The id of a node, or nothing.
  void node(NodeId& id) {
    id = in_.get_string();
    if (!id.empty() && !is_node_id(id)) in_.refuse();
  }
  void nodes(std::vector<NodeId>& ids) {
    get(ids);
    for (const NodeId& id : ids) {
      if (!is_node_id(id)) in_.refuse();
    }
  }

 private:
  template <typename T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      get_enum(value);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = in_.get_bool();
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = in_.get<T>();
    } else if constexpr (std::is_same_v<T, Value>) {
      value = in_.get_value();
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = in_.get_string();
    } else if constexpr (std::is_same_v<T, Payload>) {
      value = std::make_shared<const std::string>(in_.get_string());
    } else if constexpr (std::is_same_v<T, Membership>) {
      get_membership(value);
    } else if constexpr (std::is_same_v<T, Parameters>) {
      value = get_parameters(in_);
    } else if constexpr (std::is_same_v<T, std::vector<Statement>>) {
      value = get_statements(in_);
    } else if constexpr (kIs<T, std::vector>) {
      const std::uint32_t count = in_.get_count(1);
      for (std::uint32_t i = 0; i < count && !in_.failed(); ++i) get(value.emplace_back());
    } else if constexpr (kIs<T, std::map>) {
      get_map(value);
    } else if constexpr (kIs<T, std::optional>) {
      if (in_.get_bool()) get(value.emplace());
    } else if constexpr (kIs<T, std::expected>) {
      get_expected(value);
    } else if constexpr (kIs<T, std::variant>) {
      const auto tag = in_.get<std::uint8_t>();
      get_alternative(value, tag, std::make_index_sequence<std::variant_size_v<T>>());
    } else {
      fields(*this, value);
    }
  }

  template <typename Enum>
  void get_enum(Enum& value) {
    const auto number = in_.get<std::uint8_t>();
    if (number > static_cast<std::uint8_t>(kLast<Enum>)) return in_.refuse();
    value = static_cast<Enum>(number);
  }

  void get_membership(Membership& value) {
    Result<Membership> membership = parse_membership(in_.get_string());
    if (!membership) return in_.refuse();
    value = std::move(*membership);
  }

  template <typename Map>
  void get_map(Map& map) {
    const std::uint32_t count = in_.get_count(1);
    for (std::uint32_t i = 0; i < count && !in_.failed(); ++i) {
      typename Map::key_type key;
      get(key);
      get(map[std::move(key)]);
    }
  }

  template <typename T>
  void get_expected(Result<T>& result) {
    if (in_.get_bool()) {
      result = T();
      get(*result);
    } else {
      Error error;
      get(error);
      result = std::unexpected(std::move(error));
    }
  }

  template <typename Variant, std::size_t... Number>
  void get_alternative(Variant& value, std::size_t tag, std::index_sequence<Number...>) {
    if (tag >= sizeof...(Number)) return in_.refuse();
    ((tag == Number ? get(value.template emplace<Number>()) : void()), ...);
  }

  Decoder& in_;
};

// What the log on disk has too; the others are where the messages are.
void fields(auto& visit, Like<Position> auto& m) {
  visit(m.index, m.term);
}
void fields(auto& visit, Like<Entry> auto& m) {
  visit(m.index, m.term, m.kind, m.payload);
}

}  // namespace quorate::wire
