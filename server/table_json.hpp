// Tables as JSON, for GET /v1/tables and GET /v1/tables/{table}.
#pragma once

#include <string>

#include "core/table_description.hpp"

namespace quorate {

// {"name":...,"kind":...,...,"columns":[...]}
void append_table(std::string& out, const TableDescription& table);

}  // namespace quorate
