#include <array>

#include "server/handlers.hpp"
#include "server/router.hpp"

namespace quorate {

std::span<const Route> api_routes() {
  static constexpr auto kRoutes = std::to_array<Route>({
      {HttpMethod::post, "/v1/transactions", post_transaction, RouteBody::json},
      {HttpMethod::get, "/v1/transactions/{key}", get_transaction, RouteBody::none},
      {HttpMethod::post, "/v1/ingest", post_ingest, RouteBody::ndjson},
      {HttpMethod::post, "/v1/query", post_query, RouteBody::json},
      {HttpMethod::get, "/v1/query", get_query, RouteBody::none},
      {HttpMethod::get, "/v1/tables", get_tables, RouteBody::none},
      {HttpMethod::get, "/v1/tables/{table}", get_table, RouteBody::none},
      {HttpMethod::get, "/v1/tables/{table}/rows", get_rows, RouteBody::none},
      {HttpMethod::post, "/v1/tables/{table}/rows", post_row, RouteBody::json},
      {HttpMethod::get, "/v1/tables/{table}/rows/{id}", get_row, RouteBody::none},
      {HttpMethod::put, "/v1/tables/{table}/rows/{id}", put_row, RouteBody::json},
      {HttpMethod::patch, "/v1/tables/{table}/rows/{id}", patch_row, RouteBody::merge_patch},
      {HttpMethod::del, "/v1/tables/{table}/rows/{id}", delete_row, RouteBody::none},
      {HttpMethod::get, "/v1/cluster", get_cluster, RouteBody::none},
      {HttpMethod::put, "/v1/cluster/mode", put_cluster_mode, RouteBody::json},
      {HttpMethod::post, "/v1/cluster/leader", post_cluster_leader, RouteBody::json},
      {HttpMethod::post, "/v1/cluster/nodes", post_cluster_nodes, RouteBody::json},
      {HttpMethod::del, "/v1/cluster/nodes/{id}", delete_cluster_node, RouteBody::none},
      {HttpMethod::post, "/v1/cluster/verify", post_cluster_verify, RouteBody::optional_json},
      {HttpMethod::get, "/v1/backup", get_backup, RouteBody::none},
      {HttpMethod::post, "/v1/restore", post_restore, RouteBody::file},
      {HttpMethod::get, "/healthz", get_healthz, RouteBody::none},
      {HttpMethod::get, "/readyz", get_readyz, RouteBody::none},
      {HttpMethod::get, "/metrics", get_metrics, RouteBody::none},
      {HttpMethod::get, "/openapi.yaml", get_openapi, RouteBody::none},
      {HttpMethod::get, "/problems/{code}", get_problem, RouteBody::none},
  });
  return kRoutes;
}

}  // namespace quorate
