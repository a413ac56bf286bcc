// What the URL of a request about tables and rows can ask for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/cluster_config.hpp"
#include "core/error.hpp"
#include "core/query.hpp"
#include "server/http_message.hpp"
#include "server/json_writer.hpp"

namespace quorate {

inline constexpr std::size_t kDefaultPageRows = 100;
inline constexpr std::size_t kMaxPageRows = 1'000;

struct RowOptions {
  ReadConsistency consistency = ReadConsistency::linearizable;
  std::uint64_t min_index = 0;
  Deadline deadline = {};  // of the whole request
  std::optional<ConsistencyMode> mode = {};
  std::size_t limit = kDefaultPageRows;
  std::string cursor = {};  // empty: the first page
  IntegerStyle integers = IntegerStyle::number;
  RequestContext context = {};
};

// Takes the query parameters in `known`. Error: malformed_request, for any other, for one given twice, and for a value
// out of its range.
Result<RowOptions> decode_row_options(const HttpRequest& request, const CoreLimits& limits,
                                      std::initializer_list<std::string_view> known);

}  // namespace quorate
