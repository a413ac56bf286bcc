// Which version of a row a request is about: the headers If-Match and If-None-Match (RFC 9110 §13.1). A row's entity tag
// is its version in quotes: version 3 is "3".
#pragma once

#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/value.hpp"
#include "server/http_message.hpp"

namespace quorate {

struct RowPrecondition {
  enum class Kind {
    version,      // If-Match: "3"
    any_version,  // If-Match: *
    absent,       // If-None-Match: *
  };
  Kind kind = Kind::version;
  Value version = {};  // of Kind::version; NULL, which no version equals, for a tag that is no integer
};

// Of a request that changes a row. Errors: precondition_required, without any; malformed_request, for one that is not a
// single strong tag or "*", or both, or If-None-Match where the request cannot create.
Result<RowPrecondition> read_precondition(const HttpRequest& request, bool may_create);

// Of a row with this version; nothing if that is no integer: such a row has no tag.
std::optional<std::string> entity_tag(const Value& version);

// True when the client has it already: If-None-Match of a GET names this tag, weak or not, or any.
bool is_not_modified(const HttpRequest& request, const std::optional<std::string>& tag);

}  // namespace quorate
