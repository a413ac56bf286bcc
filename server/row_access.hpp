// How the handlers of tables and rows reach the cluster. The services and what is passed by reference must outlive each
// coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "core/answers.hpp"
#include "core/table_description.hpp"
#include "server/http_message.hpp"
#include "server/row_layout.hpp"
#include "server/row_options.hpp"
#include "server/services.hpp"

namespace quorate {

template <typename T>
using Access = boost::asio::awaitable<Result<T>>;

// Reads as the options ask. Errors: all of MultiDbCoordinator::query().
Access<QueryAnswer> read_rows(const Services& services, const RowOptions& options, Query query);

// The tables, or with a name the one, as the options ask. The options are changed so that what is read with them next is
// as strong, sees this state or a later one, and need not be confirmed by a majority again. Errors: those of read_rows(); not_found for a name that no table has.
Access<SchemaDescription> read_schema(const Services& services, RowOptions& options,
                                      const std::string& table);

// Everything about a row's table that a request needs.
struct RowTable {
  TableDescription description;
  RowLayout layout;
};
// Of the table that the path names. Errors: those of read_schema(); not_a_table.
Access<RowTable> find_row_table(const Services& services, RowOptions& options, const HttpRequest& request);

// Runs the statement as a transaction, under the Idempotency-Key of the request if it has one. Errors: all of
// MultiDbCoordinator::write(); malformed_request for a bad key, or a mode weaker than the cluster's.
Access<WriteReceipt> write_row(const Services& services, const RowOptions& options,
                               const HttpRequest& request, Statement statement);

}  // namespace quorate
