// The body of POST /v1/query, the parameters of GET /v1/query, and how their answer begins and ends.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/cluster_config.hpp"
#include "core/coordinator.hpp"
#include "core/query.hpp"
#include "server/http_message.hpp"
#include "server/json_reader.hpp"
#include "server/rows_json.hpp"

namespace quorate {

struct QueryRequest {
  Query query;
  ReadConsistency consistency = ReadConsistency::linearizable;
  std::uint64_t min_index = 0;
  std::string node = {};  // empty: any
  RowShape shape = RowShape::arrays;
  std::chrono::milliseconds timeout;
};

// Errors: malformed_request, limit_exceeded.
Result<QueryRequest> decode_query(JsonValue& body, const CoreLimits& limits);

// Makes of a URL's query parameters the body that the same request would have as POST. "integers" is left
// out: it is no part of a body. Errors: those of read_json() for "params"; malformed_request for a parameter
// given twice.
Result<JsonValue> query_parameters_as_json(const std::vector<QueryParameter>& parameters,
                                           const JsonLimits& limits);

// {"columns":[...],"types":[...],"rows":[
void append_answer_head(std::string& out, const QueryAnswer& answer);
// ],"truncated":false,"index":7,"node":"n1"}
void append_answer_tail(std::string& out, const QueryAnswer& answer);

}  // namespace quorate
