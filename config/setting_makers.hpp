// Makes the usual kinds of settings: a number, a time, a size, a text, each kept at the place in ServeConfig that
// `locate(config)` names.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "config/setting.hpp"
#include "config/setting_values.hpp"

namespace quorate {

using Applied = std::expected<void, std::string>;

// A setting whose text goes through parse(text) into the place that locate(config) names.
template <typename Locate, typename Parse>
auto setter(Locate locate, Parse parse) {
  return [locate, parse](ServeConfig& config, std::string_view text) -> Applied {
    auto parsed = parse(text);
    if (!parsed) return std::unexpected(parsed.error());
    locate(config) = *parsed;
    return {};
  };
}

inline const ServeConfig& defaults() {
  static const ServeConfig config;
  return config;
}

template <typename Locate>
Setting bytes(std::string name, std::string group, Locate locate, std::string documentation) {
  ServeConfig config;
  return {.name = std::move(name),
          .group = std::move(group),
          .value_name = "BYTES",
          .documentation = std::move(documentation),
          .default_text = bytes_text(locate(config)),
          .apply = setter(locate, parse_bytes)};
}

template <typename Locate>
Setting milliseconds(std::string name, std::string group, Locate locate, std::string documentation) {
  ServeConfig config;
  return {.name = std::move(name),
          .group = std::move(group),
          .value_name = "MS",
          .documentation = std::move(documentation),
          .default_text = std::to_string(locate(config).count()),
          .apply = setter(locate, parse_milliseconds)};
}

template <typename Locate>
Setting count(std::string name, std::string group, std::uint64_t high, Locate locate,
              std::string documentation) {
  ServeConfig config;
  return {.name = std::move(name),
          .group = std::move(group),
          .value_name = "N",
          .documentation = std::move(documentation),
          .default_text = std::to_string(locate(config)),
          .apply = setter(locate, [high](std::string_view text) { return parse_number(text, 1, high); })};
}

template <typename Locate>
Setting text(std::string name, std::string group, std::string value_name, Locate locate,
             std::string documentation) {
  return {.name = std::move(name),
          .group = std::move(group),
          .value_name = std::move(value_name),
          .documentation = std::move(documentation),
          .default_text = {},
          .apply = setter(locate, [](std::string_view given) -> Parsed<std::string> {
            if (given.empty()) return std::unexpected("must not be empty");
            return std::string(given);
          })};
}

}  // namespace quorate
