#include "engines/common/parameter_binding.hpp"

#include <algorithm>
#include <cstdint>

namespace quorate {
namespace {

std::string quantity(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Result<std::vector<const Value*>> match_positional(const Placeholders& placeholders,
                                                   const Parameters& parameters) {
  for (const std::string& name : placeholders) {
    if (!name.empty()) {
      return fail(ErrorCode::parameter_mismatch, "The statement has the named placeholder \"" + name +
                                                     "\", but its parameters have no names.");
    }
  }
  if (placeholders.size() != parameters.positional.size()) {
    return fail(ErrorCode::parameter_mismatch,
                "The statement has " + quantity(placeholders.size(), "placeholder") + ", but " +
                    quantity(parameters.positional.size(), "parameter") + " came with it.");
  }
  std::vector<const Value*> values;
  values.reserve(placeholders.size());
  for (const Value& value : parameters.positional) values.push_back(&value);
  return values;
}

Result<std::vector<const Value*>> match_named(const Placeholders& placeholders,
                                              const Parameters& parameters) {
  for (auto given = parameters.named.begin(); given != parameters.named.end(); ++given) {
    const auto same_name = [&](const auto& other) { return other.first == given->first; };
    if (std::any_of(parameters.named.begin(), given, same_name)) {
      return fail(ErrorCode::parameter_mismatch, "The parameter \"" + given->first + "\" is given twice.");
    }
    if (given->first.empty() || std::ranges::find(placeholders, given->first) == placeholders.end()) {
      return fail(ErrorCode::parameter_mismatch,
                  "The statement has no placeholder named \"" + given->first + "\".");
    }
  }
  std::vector<const Value*> values;
  values.reserve(placeholders.size());
  for (const std::string& name : placeholders) {
    if (name.empty()) {
      return fail(ErrorCode::parameter_mismatch,
                  "The statement has a placeholder without a name, but its parameters have names.");
    }
    const auto found = std::ranges::find(parameters.named, name, &std::pair<std::string, Value>::first);
    if (found == parameters.named.end()) {
      return fail(ErrorCode::parameter_mismatch,
                  "No parameter is given for the placeholder \"" + name + "\".");
    }
    values.push_back(&found->second);
  }
  return values;
}

}  // namespace

Result<std::vector<const Value*>> match_parameters(const Placeholders& placeholders,
                                                   const Parameters& parameters) {
  if (!parameters.positional.empty() && !parameters.named.empty()) {
    return fail(ErrorCode::parameter_mismatch, "A statement takes positional or named parameters, not both.");
  }
  const bool nothing_given = parameters.positional.empty() && parameters.named.empty();
  const bool by_name =
      !parameters.named.empty() || (nothing_given && !placeholders.empty() && !placeholders.front().empty());
  return by_name ? match_named(placeholders, parameters) : match_positional(placeholders, parameters);
}

Result<std::vector<std::size_t>> match_rows(const Placeholders& placeholders, const ParameterRows& rows) {
  const Parameters given = rows.places();
  const Result<std::vector<const Value*>> values = match_parameters(placeholders, given);
  if (!values) return std::unexpected(values.error());
  std::vector<std::size_t> places;
  places.reserve(values->size());
  for (const Value* value : *values) {
    places.push_back(static_cast<std::size_t>(std::get<std::int64_t>(*value)));
  }
  return places;
}

std::unexpected<Error> takes_no_rows() {
  return fail(ErrorCode::parameter_mismatch,
              "Only a statement that reads or changes rows can be run with many rows of parameters.");
}

}  // namespace quorate
