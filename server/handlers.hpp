// One handler for each route, declared here for the table in routes.cpp; one file per resource. All follow
// the contract of Handler in router.hpp; their errors become problem+json in one place, Api::handle().
#pragma once

#include "server/router.hpp"

namespace quorate {

using HandlerResult = boost::asio::awaitable<Result<HttpResponse>>;

// handle_transactions.cpp
HandlerResult post_transaction(const Services& services, const HttpRequest& request);
HandlerResult get_transaction(const Services& services, const HttpRequest& request);

// handle_ingest.cpp
HandlerResult post_ingest(const Services& services, const HttpRequest& request);

// handle_query.cpp
HandlerResult post_query(const Services& services, const HttpRequest& request);
HandlerResult get_query(const Services& services, const HttpRequest& request);

// handle_tables.cpp
HandlerResult get_tables(const Services& services, const HttpRequest& request);
HandlerResult get_table(const Services& services, const HttpRequest& request);

// handle_rows.cpp
HandlerResult get_rows(const Services& services, const HttpRequest& request);
HandlerResult get_row(const Services& services, const HttpRequest& request);
HandlerResult post_row(const Services& services, const HttpRequest& request);

// handle_row_changes.cpp
HandlerResult put_row(const Services& services, const HttpRequest& request);
HandlerResult patch_row(const Services& services, const HttpRequest& request);
HandlerResult delete_row(const Services& services, const HttpRequest& request);

// handle_cluster.cpp
HandlerResult get_cluster(const Services& services, const HttpRequest& request);
HandlerResult put_cluster_mode(const Services& services, const HttpRequest& request);
HandlerResult post_cluster_verify(const Services& services, const HttpRequest& request);
HandlerResult post_cluster_leader(const Services& services, const HttpRequest& request);
HandlerResult post_cluster_nodes(const Services& services, const HttpRequest& request);
HandlerResult delete_cluster_node(const Services& services, const HttpRequest& request);

// handle_backup.cpp
HandlerResult get_backup(const Services& services, const HttpRequest& request);
HandlerResult post_restore(const Services& services, const HttpRequest& request);

// handle_health.cpp
HandlerResult get_healthz(const Services& services, const HttpRequest& request);
HandlerResult get_readyz(const Services& services, const HttpRequest& request);

// handle_metrics.cpp
HandlerResult get_metrics(const Services& services, const HttpRequest& request);

// handle_documents.cpp
HandlerResult get_openapi(const Services& services, const HttpRequest& request);
HandlerResult get_problem(const Services& services, const HttpRequest& request);

}  // namespace quorate
